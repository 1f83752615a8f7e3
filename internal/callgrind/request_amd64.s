#include "textflag.h"

// func request(code uint64) uint64
//
// valgrind.h, VALGRIND_DO_CLIENT_REQUEST_EXPR: AX points to the request and
// five arguments, DX is the answer of a processor that knows no requests.
TEXT ·request(SB), NOSPLIT, $48-16
	MOVQ code+0(FP), AX
	MOVQ AX, 0(SP)
	XORL AX, AX
	MOVQ AX, 8(SP)
	MOVQ AX, 16(SP)
	MOVQ AX, 24(SP)
	MOVQ AX, 32(SP)
	MOVQ AX, 40(SP)
	MOVQ SP, AX
	XORL DX, DX
	ROLQ $3, DI
	ROLQ $13, DI
	ROLQ $61, DI
	ROLQ $51, DI
	BYTE $0x48; BYTE $0x87; BYTE $0xdb // XCHGQ BX, BX
	MOVQ DX, ret+8(FP)
	RET
