#include "textflag.h"

// Offsets and sizes, which TestLayouts holds to Go's.
#define slotsAt 128    // Seek.slot
#define zonesAt 192    // Seek.zone
#define linesAt 224    // Seek.line
#define slotAt 20      // bucket.slot
#define nextAt 60      // bucket.next
#define gistSize 56
#define hashAt 40      // Gist.Hash
#define statusAt 54    // Conn.Status
#define zoneAt 58      // Conn.Zone
#define natAddrAt 60   // Conn.natAddr
#define natPortAt 38   // tupleWords.port
#define portsAt 32     // tupleWords.ports
#define kindAt 36      // tupleWords.kind
#define srcNAT 0x10
#define dstNAT 0x20

// func fetch(s *Seek, buckets *bucket, chunks *[]Conn, lo, hi int) (again uint64)
TEXT ·fetch(SB), NOSPLIT|NOFRAME, $0-48
	MOVQ s+0(FP), SI
	MOVQ buckets+8(FP), DI
	MOVQ chunks+16(FP), R8
	MOVQ lo+24(FP), R10      // the lookup's number
	MOVQ hi+32(FP), CX
	XORL R9, R9              // again
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
	PREFETCHT0 (R13)(DX*1)
	INCQ    R10
check:
	CMPQ R10, CX
	JLT  loop
	MOVQ R9, again+40(FP)
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

// func aim(s *Seek, gists *[SeekSize]packet.Gist, lo, hi int, key *[2]uint64, shift uint, buckets *bucket)
TEXT ·aim(SB), NOSPLIT|NOFRAME, $0-56
	MOVQ s+0(FP), SI
	MOVQ gists+8(FP), DI
	MOVQ lo+16(FP), R10      // the lookup's number
	MOVQ hi+24(FP), R15
	MOVQ key+32(FP), AX
	MOVQ shift+40(FP), CX
	MOVQ buckets+48(FP), R13
	MOVQ 0(AX), R8           // the key
	MOVQ 8(AX), R9
	MOVQ $0x9e3779b97f4a7c15, R14
	IMUL3Q $gistSize, R10, AX
	ADDQ AX, DI
	JMP  check
loop:
	MOVQ    0(DI), AX        // the source's end
	XORQ    R8, AX
	MOVQ    8(DI), DX
	XORQ    R9, DX
	MULQ    DX
	XORQ    AX, DX
	MOVWLZX 32(DI), R11
	MOVQ    $0x9fb21c651e98df25, BX
	MOVQ    R11, R12
	IMULQ   BX, R11
	ADDQ    DX, R11
	MOVQ    16(DI), AX       // the destination's
	XORQ    R8, AX
	MOVQ    24(DI), DX
	XORQ    R9, DX
	MULQ    DX
	XORQ    AX, DX
	MOVBLZX 36(DI), AX       // the protocol
	CMPL    AX, $1
	JEQ     icmp
	CMPL    AX, $58
	JEQ     icmp
	MOVWLZX 34(DI), R12
icmp:
	IMULQ BX, R12
	ADDQ  DX, R12
	MOVQ  R11, DX
	XORQ  R12, DX
	ADDQ  R8, DX
	ADDQ  AX, DX
	LEAQ  (R11)(R12*1), AX
	XORQ  R9, AX
	MULQ  DX
	XORQ  DX, AX
	MOVQ  AX, hashAt(DI)
	MOVWLZX zonesAt(SI)(R10*2), DX
	IMULQ R14, DX
	XORQ  DX, AX
	MOVQ  $0xd6e8feb86659fd93, BX
	IMULQ BX, AX
	MOVQ  AX, DX
	SHRQ  CX, DX             // the bucket
	MOVWLZX AX, AX
	ORL   $1, AX             // the tag
	MOVQ  DX, BX
	SHLQ  $6, BX
	PREFETCHT0 (R13)(BX*1)
	SHLQ  $16, DX
	ORQ   DX, AX
	MOVQ  AX, (SI)(R10*8)
	ADDQ  $gistSize, DI
	INCQ  R10
check:
	CMPQ R10, R15
	JLT  loop
	RET

// func meet(s *Seek, gists *[SeekSize]packet.Gist, chunks *[]Conn, lo, hi int) (met, reply, wide uint32)
TEXT ·meet(SB), NOSPLIT|NOFRAME, $0-52
	MOVQ s+0(FP), SI
	MOVQ gists+8(FP), DI
	MOVQ chunks+16(FP), R8
	MOVQ lo+24(FP), R10      // the lookup's number
	IMUL3Q $gistSize, R10, AX
	ADDQ AX, DI
	XORL R11, R11            // met
	XORL R12, R12            // reply
	XORL R13, R13            // wide
	JMP  check
loop:
	MOVL  slotsAt(SI)(R10*4), DX
	TESTL DX, DX
	JEQ   next
	MOVL  DX, AX
	SHRL  $15, AX
	LEAQ  (AX)(AX*2), AX
	MOVQ  (R8)(AX*8), R9
	ANDL  $32767, DX
	LEAQ  (DX)(DX*2), DX
	SHLQ  $6, DX
	ADDQ  DX, R9             // the connection
	MOVQ  R9, linesAt(SI)(R10*8)
	MOVWLZX kindAt(R9), CX
	MOVWLZX kindAt(DI), DX
	XORL  DX, CX
	MOVWLZX zoneAt(R9), DX
	MOVWLZX zonesAt(SI)(R10*2), BX
	XORL  BX, DX
	ORL   DX, CX
	JNE   next               // another zone, protocol or family
	MOVOU 0(R9), X0          // its ends
	MOVOU 16(R9), X1
	MOVOU 0(DI), X2          // the packet's
	MOVOU 16(DI), X3
	MOVL  portsAt(DI), BX
	MOVL  portsAt(R9), CX
	MOVOU X0, X4
	MOVOU X1, X5
	PCMPEQL X2, X4
	PCMPEQL X3, X5
	PAND  X5, X4
	PMOVMSKB X4, AX
	XORL  $0xffff, AX
	MOVL  CX, DX
	XORL  BX, DX
	ORL   DX, AX             // zero: it is the original direction
	MOVWLZX statusAt(R9), DX
	TESTL $(srcNAT|dstNAT), DX
	JNE   translated
compare:
	PCMPEQL X1, X2
	PCMPEQL X0, X3
	PAND  X3, X2
	PMOVMSKB X2, DX
	XORL  $0xffff, DX
	ROLL  $16, CX
	XORL  BX, CX
	ORL   CX, DX             // zero: it is the reply's
	XORL  BX, BX
	XORL  CX, CX
	TESTL AX, AX
	SETEQ BX
	TESTL DX, DX
	SETEQ CX
	ORL   BX, CX
	XORL  CX, BX             // the reply's, and not the original one
	MOVL  CX, AX
	MOVQ  R10, CX
	SHLL  CX, AX
	SHLL  CX, BX
	ORL   AX, R11
	ORL   BX, R12
next:
	ADDQ $gistSize, DI
	INCQ R10
check:
	CMPQ R10, hi+32(FP)
	JLT  loop
	MOVL R11, met+40(FP)
	MOVL R12, reply+44(FP)
	MOVL R13, wide+48(FP)
	RET
translated:
	// X0 and X1 become the ends that the reply goes to and comes from, CX their
	// ports.
	ANDL $(srcNAT|dstNAT), DX
	CMPL DX, $(srcNAT|dstNAT)
	JEQ  wide
	CMPB (kindAt+1)(R9), $2
	JNE  wide
	MOVL natAddrAt(R9), R14
	MOVQ R14, X6             // the rest of an IPv4 address is zero
	MOVWLZX natPortAt(R9), R14
	CMPL DX, $srcNAT
	JNE  destination
	MOVOU X6, X0
	ANDL $0xffff0000, CX
	ORL  R14, CX
	JMP  compare
destination:
	MOVOU X6, X1
	ANDL $0x0000ffff, CX
	SHLL $16, R14
	ORL  R14, CX
	JMP  compare
wide:
	BTSL R10, R13
	JMP  next
