#include "textflag.h"

// Offsets and sizes, which TestGistLayout holds to Go's.
#define gistSize 56
#define dstAt 16       // Tuple.Dst
#define portsAt 32     // tupleWords.ports
#define kindAt 36      // tupleWords.proto and what follows
#define endAt 48       // Gist.End, and TCPFlags behind it

// func readPlain(first *[]byte, gist *Gist, n int) (odd, marked uint32)
TEXT ·readPlain(SB), NOSPLIT|NOFRAME, $0-32
	MOVQ first+0(FP), SI
	MOVQ gist+8(FP), DI
	MOVQ n+16(FP), R11
	XORL R12, R12            // odd
	XORL R13, R13            // marked
	MOVL $1, R14             // the frame's bit
	XORL R15, R15
	JMP  check
loop:
	MOVQ  0(SI), BX
	MOVQ  8(SI), CX
	LEAQ  -54(CX), AX
	CMPQ  AX, $65481
	JHI   odd
	MOVQ  12(BX), AX         // type, version, TOS, length
	MOVQ  20(BX), DX         // fragment, TTL, protocol
	MOVL  AX, R8
	ANDL  $0xffffff, R8
	CMPL  R8, $0x450008
	JNE   odd
	TESTL $0xff3f, DX
	JNE   odd
	TESTL $0xfe0000, DX      // it lives for less than two hops
	JEQ   odd
	SHRQ  $32, AX
	ROLW  $8, AX
	MOVWLZX AX, AX           // the IP packet's length
	LEAQ  14(AX), R9
	CMPQ  R9, CX
	JHI   odd
	MOVL  DX, R8
	SHRL  $24, R8            // the protocol
	CMPL  R8, $6
	JNE   udp
	CMPL  AX, $40
	JLT   odd
	MOVWLZX 46(BX), R10
	ROLW  $8, R10
	ANDL  $0xfff, R10
	TESTL $7, R10
	JNE   mark
write:
	MOVL  26(BX), AX
	MOVQ  AX, 0(DI)
	MOVQ  R15, 8(DI)
	MOVL  30(BX), AX
	MOVQ  AX, dstAt(DI)
	MOVQ  R15, (dstAt+8)(DI)
	MOVL  34(BX), AX
	BSWAPL AX
	ROLL  $16, AX            // each port's bytes change places
	MOVL  AX, portsAt(DI)
	ORL   $0x200, R8         // IPv4
	MOVL  R8, kindAt(DI)
	SHLL  $16, R10
	ORL   R9, R10
	MOVL  R10, endAt(DI)
next:
	ADDQ  $24, SI
	ADDQ  $gistSize, DI
	ADDL  R14, R14
	DECQ  R11
check:
	TESTQ R11, R11
	JGT   loop
	MOVL  R12, odd+24(FP)
	MOVL  R13, marked+28(FP)
	RET
udp:
	XORL  R10, R10
	CMPL  R8, $17
	JNE   odd
	CMPL  AX, $28
	JGE   write
odd:
	ORL   R14, R12
	JMP   next
mark:
	ORL   R14, R13
	JMP   write
