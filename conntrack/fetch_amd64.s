#include "textflag.h"

// Offsets into Seek and bucket, which TestLayouts holds to Go's.
#define slotsAt 128
#define slotAt 20
#define nextAt 60

// func fetch(s *Seek, buckets *bucket, chunks *[]Conn, n int) (again uint64)
TEXT ·fetch(SB), NOSPLIT|NOFRAME, $0-40
	MOVQ s+0(FP), SI
	MOVQ buckets+8(FP), DI
	MOVQ chunks+16(FP), R8
	MOVQ n+24(FP), CX
	XORL R9, R9              // again
	XORL R10, R10            // the lookup's number
	JMP  check
loop:
	MOVQ    (SI)(R10*8), AX  // bucket<<16 | tag
	MOVWLZX AX, BX
	TESTL   BX, BX
	JEQ     none
	MOVQ    BX, X0
	PSHUFLW $0, X0, X0
	PUNPCKLQDQ X0, X0        // the tag eight times
	SHRQ    $10, AX
	ANDQ    $-64, AX
	ADDQ    DI, AX           // the bucket
	MOVOU   (AX), X1
	PCMPEQW X0, X1
	MOVQ    16(AX), X2       // two more tags, and a slot's number
	PCMPEQW X0, X2
	PACKSSWB X2, X1
	PMOVMSKB X1, R11
	ANDL    $0x3ff, R11
	BSFL    R11, R12
	JEQ     nomatch
	MOVL    slotAt(AX)(R12*4), DX
	MOVL    DX, slotsAt(SI)(R10*4)
	MOVL    DX, R13
	SHRL    $15, R13
	LEAQ    (R13)(R13*2), R13
	MOVQ    (R8)(R13*8), R13 // the chunk
	ANDL    $32767, DX
	LEAQ    (DX)(DX*2), DX
	SHLQ    $6, DX
	PREFETCHT1 (R13)(DX*1)
	INCQ    R10
check:
	CMPQ R10, CX
	JLT  loop
	MOVQ R9, again+32(FP)
	RET
nomatch:
	MOVL  nextAt(AX), R11
	TESTL R11, R11
	JEQ   none
	BTSQ  R10, R9            // it may be in the overflow
none:
	MOVL $0, slotsAt(SI)(R10*4)
	INCQ R10
	JMP  check

// func start(s *Seek, buckets *bucket, n int)
TEXT ·start(SB), NOSPLIT|NOFRAME, $0-24
	MOVQ s+0(FP), SI
	MOVQ buckets+8(FP), DI
	MOVQ n+16(FP), CX
	LEAQ (SI)(CX*8), CX
	JMP  check
loop:
	MOVQ (SI), AX
	SHRQ $10, AX
	ANDQ $-64, AX
	PREFETCHT1 (DI)(AX*1)
	ADDQ $8, SI
check:
	CMPQ SI, CX
	JLT  loop
	RET
