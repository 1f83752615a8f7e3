package tc

import (
	"encoding/hex"
	"math"
	"net/netip"
	"strconv"
	"strings"
)

// number reads an unsigned number as iproute2's get_u8 … get_u64 do (strtoul):
// the whole word behind white space, in base 10 or 16, or by its prefix when
// base is 0. A negative one counts from 2⁶⁴ down.
func number(s string, base int, max uint64) (uint64, bool) {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		if strings.HasPrefix(rest, "+") || strings.HasPrefix(rest, "-") {
			return 0, false
		}
		v, ok := number(rest, base, math.MaxUint64)
		return -v, ok && strings.TrimSpace(rest) == rest && -v <= max
	}
	s = strings.TrimPrefix(s, "+")
	lower := strings.ToLower(s)
	switch {
	case (base == 0 || base == 16) && strings.HasPrefix(lower, "0x"):
		s, base = s[2:], 16
	case base == 0 && len(s) > 1 && s[0] == '0':
		s, base = s[1:], 8
	case base == 0:
		base = 10
	}
	if s == "" || strings.ContainsAny(s, "+-_ \t\n\v\f\r") {
		return 0, false
	}
	v, err := strconv.ParseUint(s, base, 64)
	return v, err == nil && v <= max
}

func u8(s string, base int) (uint8, bool) {
	v, ok := number(s, base, 0xff)
	return uint8(v), ok
}

func u16(s string, base int) (uint16, bool) {
	v, ok := number(s, base, 0xffff)
	return uint16(v), ok
}

func u32(s string, base int) (uint32, bool) {
	v, ok := number(s, base, 0xffffffff)
	return uint32(v), ok
}

// maskedNumber reads VALUE[/MASK]; without a mask it is max.
func maskedNumber(s string, base int, max uint64) (v, mask uint64, ok bool) {
	val, m, has := strings.Cut(s, "/")
	if v, ok = number(val, base, max); !ok {
		return 0, 0, false
	}
	if !has {
		return v, max, true
	}
	mask, ok = number(m, base, max)
	return v, mask, ok
}

// ipv4 reads an address as iproute2 does: up to four numbers with dots in any
// base, missing ones are 0.
func ipv4(s string) (a [16]byte, ok bool) {
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return a, false
	}
	for i, p := range parts {
		v, ok := u8(p, 0)
		if !ok {
			return a, false
		}
		a[i] = v
	}
	return a, true
}

// address reads an IPv4 (4) or IPv6 (6) address; want 0 takes either.
func address(s string, want uint8) (a [16]byte, family uint8, ok bool) {
	if strings.Contains(s, ":") {
		ip, err := netip.ParseAddr(s)
		if err != nil || ip.Zone() != "" || want == 4 {
			return a, 0, false
		}
		return ip.As16(), 6, true
	}
	if want == 6 {
		return a, 0, false
	}
	a, ok = ipv4(s)
	return a, 4, ok
}

// prefix reads ADDRESS[/LENGTH] or, for IPv4, ADDRESS/DOTTED-MASK.
func prefix(s string, want uint8) (a, mask [16]byte, family uint8, ok bool) {
	addr, length, has := strings.Cut(s, "/")
	a, family, ok = address(addr, want)
	if !ok {
		return a, mask, 0, false
	}
	bits := 32
	if family == 6 {
		bits = 128
	}
	if has {
		if n, ok := number(length, 0, uint64(bits)); ok {
			bits = int(n)
		} else if n, ok := dottedMask(length); ok && n <= bits {
			bits = n
		} else {
			return a, mask, 0, false
		}
	}
	for i := range bits {
		mask[i/8] |= 0x80 >> (i % 8)
	}
	return a, mask, family, true
}

// dottedMask gives the length of a mask like 255.255.0.0.
func dottedMask(s string) (int, bool) {
	if !strings.Contains(s, ".") {
		return 0, false
	}
	m, ok := ipv4(s)
	if !ok {
		return 0, false
	}
	if [4]byte(m[:4]) == [4]byte{} {
		return 0, true // any address (utils.c mask2bits)
	}
	return prefixBits(m[:4])
}

// prefixBits gives the length of a mask without holes; false for one with
// holes and for an empty one, as iproute2's __mask_bits has it.
func prefixBits(m []byte) (int, bool) {
	bits, hole := 0, false
	for _, b := range m {
		for j := 7; j >= 0; j-- {
			switch {
			case b>>j&1 == 1 && hole:
				return 0, false
			case b>>j&1 == 1:
				bits++
			case bits == 0:
				return 0, false
			default:
				hole = true
			}
		}
	}
	return bits, true
}

// mac reads an Ethernet address.
func mac(s string) (a [6]byte, ok bool) {
	parts := strings.Split(s, ":")
	if len(parts) != 6 {
		return a, false
	}
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 16, 8)
		if err != nil {
			return a, false
		}
		a[i] = byte(v)
	}
	return a, true
}

// maskedMAC reads ADDRESS[/BITS] or ADDRESS/MASK.
func maskedMAC(s string) (a, mask [6]byte, ok bool) {
	addr, m, has := strings.Cut(s, "/")
	if a, ok = mac(addr); !ok {
		return a, mask, false
	}
	if !has {
		return a, [6]byte{255, 255, 255, 255, 255, 255}, true
	}
	if bits, ok := number(m, 10, 48); ok {
		for i := range int(bits) {
			mask[i/8] |= 0x80 >> (i % 8)
		}
		return a, mask, true
	}
	mask, ok = mac(m)
	return a, mask, ok
}

// hexBytes reads pairs of hexadecimal digits; an odd last one is left out, as
// iproute2's hex2mem with a length of strlen/2 does.
func hexBytes(s string) ([]byte, bool) {
	b, err := hex.DecodeString(s[:len(s)/2*2])
	return b, err == nil
}
