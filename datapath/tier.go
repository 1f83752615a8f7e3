package datapath

// Tier is how far up a packet had to go to be judged.
type Tier uint8

const (
	TierNone    Tier = iota // no ct action asked for its connection
	TierDevice              // a device finished it
	TierFlow                // the flow table knew its connection
	TierTracker             // the tracker judged it

	NumTiers = int(TierTracker) + 1
)

func (t Tier) String() string {
	return [NumTiers]string{"no ct", "device", "flow table", "tracker"}[t]
}

// Tier says who judged packet i of the last vector: the highest that any of
// its ct actions needed. What a device carried a part of the way counts where
// it was finished, but at least as TierFlow.
func (e *Engine) Tier(i int) Tier { return e.tiers[i] }
