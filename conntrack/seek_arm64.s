#include "textflag.h"

// Offsets and sizes, which TestLayouts holds to Go's.
#define slotsAt 128    // Seek.slot
#define slotAt 20      // bucket.slot
#define nextAt 60      // bucket.next

// func fetch(s *Seek, buckets *bucket, chunks *[]Conn, lo, hi int) (again uint64)
TEXT ·fetch(SB), NOSPLIT|NOFRAME, $0-48
	MOVD s+0(FP), R0
	MOVD buckets+8(FP), R1
	MOVD chunks+16(FP), R2
	MOVD lo+24(FP), R3       // the lookup's number
	MOVD hi+32(FP), R4
	MOVD $0, R5              // again
	MOVD $192, R14
	ADD  $slotsAt, R0, R6
	ADD  R3<<2, R6           // where its slot goes
	ADD  R3<<3, R0           // where its place is
	B    check
loop:
	MOVD  (R0), R7           // bucket<<16 | tag
	MOVD  $0, R9             // the slot
	ANDS  $0xffff, R7, R8
	BEQ   store
	VDUP  R8, V0.H8
	LSR   $16, R7
	ADD   R7<<6, R1, R7      // the bucket
	VLD1  (R7), [V1.B16]
	FMOVD 16(R7), F2         // two more tags, and a slot's number
	VCMEQ V0.H8, V1.H8, V1.H8
	VCMEQ V0.H8, V2.H8, V2.H8
	VUZP1 V2.B16, V1.B16, V1.B16 // a byte for each tag
	VMOV  V1.D[0], R8
	CBNZ  R8, first
	VMOV  V1.D[1], R8
	ANDS  $0xffff, R8
	BEQ   nomatch
	RBIT  R8, R8
	CLZ   R8, R8
	LSR   $3, R8
	ADD   $8, R8
	B     found
first:
	RBIT  R8, R8
	CLZ   R8, R8
	LSR   $3, R8
found:
	ADD   R8<<2, R7, R8
	MOVWU slotAt(R8), R9
	LSR   $15, R9, R10
	ADD   R10<<1, R10, R10
	ADD   R10<<3, R2, R10
	MOVD  (R10), R10         // the chunk
	AND   $32767, R9, R11
	MADD  R14, R10, R11, R10
	PRFM  (R10), PLDL1KEEP
store:
	MOVW  R9, (R6)
	ADD   $4, R6
	ADD   $8, R0
	ADD   $1, R3
check:
	CMP   R4, R3
	BLT   loop
	MOVD  R5, again+40(FP)
	RET
nomatch:
	MOVWU nextAt(R7), R8
	CBZ   R8, store
	MOVD  $1, R8
	LSL   R3, R8
	ORR   R8, R5             // it may be in the overflow
	B     store
