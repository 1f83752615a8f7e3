package conntrack

import (
	"math"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
)

func testTuple(n int) packet.Tuple {
	tu := packet.Tuple{SPort: uint16(n % 5), DPort: uint16(n / 5 % 3), Proto: packet.ProtoTCP, Family: packet.IPv4}
	tu.Src[3], tu.Dst[3] = byte(n%7), byte(n/7%4)
	if n%11 == 0 {
		tu.Proto, tu.DPort = packet.ProtoICMP, 8<<8*uint16(n%2)
	}
	return tu
}

// both are a tuple and its inverse, by side.
func both(tu *packet.Tuple, k claimKey) (tus [2]*packet.Tuple) {
	inv := invert(tu)
	tus[k.side], tus[1-k.side] = tu, &inv
	return tus
}

// TestClaims compares the table with a map.
func TestClaims(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cl := &claims{key: keyOfSeed([2]uint64{rapid.Uint64().Draw(rt, "key"), 5})}
		type owner struct {
			tu   packet.Tuple
			zone uint16
		}
		model := map[owner]int{}
		until := map[owner]int64{}
		rt.Repeat(map[string]func(*rapid.T){
			"put": func(rt *rapid.T) {
				o := owner{testTuple(rapid.IntRange(0, 120).Draw(rt, "tuple")), rapid.Uint16Range(0, 1).Draw(rt, "zone")}
				me, at := rapid.IntRange(0, MaxShared-1).Draw(rt, "me"), rapid.Int64Range(0, 100).Draw(rt, "until")
				inv := owner{invert(&o.tu), o.zone}
				k := cl.keyOf(&o.tu, o.zone)
				back := rapid.Bool().Draw(rt, "both") && inv.tu != o.tu
				var sides [2]*packet.Tuple
				if sides[k.side] = &o.tu; back {
					sides[1-k.side] = &inv.tu
				}
				_, taken := model[o]
				_, backTaken := model[inv]
				if got, want := cl.put(&k, sides, o.zone, me, at), !taken && !(back && backTaken); got != want {
					rt.Fatalf("claim of %v: %v, want %v", o, got, want)
				} else if got {
					model[o] = me
					if back {
						model[inv] = me
					}
					for _, x := range []owner{o, inv} {
						if _, ok := until[x]; !ok || at < until[x] {
							until[x] = at
						}
					}
				}
			},
			"drop": func(rt *rapid.T) {
				o := owner{testTuple(rapid.IntRange(0, 120).Draw(rt, "tuple")), rapid.Uint16Range(0, 1).Draw(rt, "zone")}
				k := cl.keyOf(&o.tu, o.zone)
				var sides [2]*packet.Tuple
				sides[k.side] = &o.tu
				me := rapid.IntRange(0, MaxShared-1).Draw(rt, "me")
				if who, ok := model[o]; ok && rapid.Bool().Draw(rt, "owner") {
					me = who
				}
				cl.drop(&k, sides, o.zone, me)
				if who, ok := model[o]; ok && who == me {
					delete(model, o)
					inv := owner{invert(&o.tu), o.zone}
					if _, ok := model[inv]; !ok {
						delete(until, o)
						delete(until, inv)
					}
				}
			},
			"": func(rt *rapid.T) {
				for n := range 121 {
					for zone := range uint16(2) {
						o := owner{testTuple(n), zone}
						k := cl.keyOf(&o.tu, zone)
						who, at, _ := cl.get(&k)
						want, ok := model[o]
						if ok != (who[k.side] != 0) || ok && int(who[k.side]) != want+1 {
							rt.Fatalf("%v is %d's, want %d's (%v)", o, int(who[k.side])-1, want, ok)
						}
						if ok && at != until[o] {
							rt.Fatalf("%v lives until %d, want %d", o, at, until[o])
						}
					}
				}
			},
		})
	})
}

// TestClaimsAreReadWhileWritten reads what never changes while its neighbours
// come and go.
func TestClaimsAreReadWhileWritten(t *testing.T) {
	cl := &claims{key: keyOfSeed([2]uint64{1, 2})}
	tuple := func(n int) packet.Tuple {
		tu := packet.Tuple{SPort: uint16(n), DPort: uint16(n >> 16), Proto: packet.ProtoUDP, Family: packet.IPv4}
		tu.Src[0], tu.Dst[0] = 1, 2
		return tu
	}
	const stay, churn = 2000, 20000
	for n := range stay {
		tu := tuple(n)
		k := cl.keyOf(&tu, 0)
		cl.put(&k, both(&tu, k), 0, n%7, math.MaxInt64)
	}
	var all sync.WaitGroup
	for w := range 2 {
		all.Go(func() {
			for n := range churn {
				for _, x := range []int{n, n - 500} { // grow, and shrink again
					tu := tuple(1<<20 + w<<24 + x)
					k := cl.keyOf(&tu, 0)
					if x == n {
						cl.put(&k, both(&tu, k), 0, w, 1)
					} else if x >= 0 {
						cl.drop(&k, both(&tu, k), 0, w)
					}
				}
			}
		})
	}
	all.Go(func() {
		for range 30 {
			for n := range stay {
				tu := tuple(n)
				k := cl.keyOf(&tu, 0)
				if who, _, ok := cl.get(&k); !ok || int(who[0]) != n%7+1 {
					t.Errorf("tuple %d is %v's (%v)", n, who, ok)
					return
				}
			}
		}
	})
	all.Wait()
}

// TestRoom lets trackers begin and end connections, and nobody gets more than
// the limit, nor is anybody refused before.
func TestRoom(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.Int64Range(1, 30).Draw(rt, "limit")
		n := rapid.IntRange(1, 5).Draw(rt, "trackers")
		s := NewShared(n, [2]uint64{1, 2}, &Settings{Max: limit})
		live, has := int64(0), make([]int, n)
		for range rapid.IntRange(1, 200).Draw(rt, "steps") {
			me := rapid.IntRange(0, n-1).Draw(rt, "me")
			if rapid.Bool().Draw(rt, "begin") {
				if got, want := s.take(me), live < limit; got != want {
					rt.Fatalf("with %d of %d: %v", live, limit, got)
				} else if got {
					live++
					has[me]++
				}
			} else if has[me] > 0 {
				s.give(me)
				live--
				has[me]--
			}
		}
	})
	t.Run("at_the_same_time", func(t *testing.T) {
		const limit, n = 50, 4
		s := NewShared(n, [2]uint64{1, 2}, &Settings{Max: limit})
		var all sync.WaitGroup
		var got [n]int
		for me := range n {
			all.Go(func() {
				for range 10000 {
					if s.take(me) {
						got[me]++
						if got[me] > 5 {
							s.give(me)
							got[me]--
						}
					}
				}
			})
		}
		all.Wait()
		sum, left := 0, int64(0)
		for me := range n {
			sum += got[me]
			left += s.parts[me].room.Load()
		}
		if int64(sum)+left != limit {
			t.Errorf("%d taken and %d left of %d", sum, left, limit)
		}
	})
}
