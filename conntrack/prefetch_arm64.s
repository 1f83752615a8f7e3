#include "textflag.h"

// func prefetch(lines *[SeekSize]uintptr, n int)
TEXT ·prefetch(SB), NOSPLIT|NOFRAME, $0-16
	MOVD lines+0(FP), R0
	MOVD n+8(FP), R1
	CMP  $0, R1
	BLE  done
loop:
	MOVD.P 8(R0), R2
	PRFM (R2), PLDL1KEEP
	SUBS $1, R1, R1
	BNE  loop
done:
	RET

// func prefetch2(lines *[SeekSize]uintptr, n int)
TEXT ·prefetch2(SB), NOSPLIT|NOFRAME, $0-16
	MOVD lines+0(FP), R0
	MOVD n+8(FP), R1
	CMP  $0, R1
	BLE  done
loop:
	MOVD.P 8(R0), R2
	ADD  $64, R2, R3
	PRFM (R2), PLDL1KEEP
	PRFM (R3), PLDL1KEEP
	SUBS $1, R1, R1
	BNE  loop
done:
	RET
