package replay

import "iter"

// recent keeps what was learnt last, in two generations: what is learnt, or
// asked for, is in the young one, and when that has most entries it becomes
// the old one, whose entries are forgotten unless they are asked for before the
// young one is full again. So the last most keys that were used are known, at
// most twice as many are kept, and it depends on nothing but their order.
type recent[K comparable, V any] struct {
	young, old map[K]V
	most       int
	turns      int // how often the young generation became the old one
}

func newRecent[K comparable, V any](most int) *recent[K, V] {
	return &recent[K, V]{young: map[K]V{}, most: most}
}

func (r *recent[K, V]) get(k K) (V, bool) {
	v, ok := r.young[k]
	if !ok {
		if v, ok = r.old[k]; ok {
			r.put(k, v)
		}
	}
	return v, ok
}

func (r *recent[K, V]) put(k K, v V) {
	if len(r.young) >= r.most {
		if _, there := r.young[k]; !there {
			r.old, r.young = r.young, map[K]V{}
			r.turns++
		}
	}
	r.young[k] = v
}

// all yields what is known, in no order; old says that it is of the old
// generation.
func (r *recent[K, V]) all() iter.Seq2[K, aged[V]] {
	return func(yield func(K, aged[V]) bool) {
		for k, v := range r.young {
			if !yield(k, aged[V]{v, false}) {
				return
			}
		}
		for k, v := range r.old {
			if _, there := r.young[k]; !there && !yield(k, aged[V]{v, true}) {
				return
			}
		}
	}
}

type aged[V any] struct {
	v   V
	old bool
}

// restore puts an entry of all's into its generation. What does not fit is
// forgotten: this one may be bounded otherwise.
func (r *recent[K, V]) restore(k K, v V, old bool) {
	at := &r.young
	if old {
		if r.old == nil {
			r.old = map[K]V{}
		}
		at = &r.old
	}
	if len(*at) < r.most {
		(*at)[k] = v
	}
}
