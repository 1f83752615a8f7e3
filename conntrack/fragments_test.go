package conntrack

import "testing"

// TestB053_fragment_settings: limits of fragments have Linux's names and
// defaults, and the profiles' times.
func TestB053_fragment_settings(t *testing.T) {
	s := DefaultSettings()
	for _, c := range []struct {
		name, value, was string
		got              func() int64
		want             int64
	}{
		{"net.ipv4.ipfrag_time", "5", "30", func() int64 { return s.Frag.Timeout[0] }, 5e9},
		{"net/ipv4/ipfrag_high_thresh", "1000", "4194304", func() int64 { return s.Frag.HighThresh[0] }, 1000},
		{"ipfrag_max_dist", "0", "64", func() int64 { return s.Frag.MaxDist }, 0},
		{"net.netfilter.nf_conntrack_frag6_timeout", "6", "60", func() int64 { return s.Frag.Timeout[1] }, 6e9},
		{"nf_conntrack_frag6_high_thresh", "2000", "4194304", func() int64 { return s.Frag.HighThresh[1] }, 2000},
		{"ipf_v4_min_frag", "1200", "0", func() int64 { return s.Frag.MinFrag[0] }, 1200},
		{"ipf_v6_min_frag", "1280", "0", func() int64 { return s.Frag.MinFrag[1] }, 1280},
		{"ipf_max_nfrags", "1000", "0", func() int64 { return s.Frag.MaxFrags }, 1000},
	} {
		if was, err := s.Get(c.name); err != nil || was != c.was {
			t.Errorf("%s: %q, %v, want %q", c.name, was, err, c.was)
		}
		if err := s.Set(c.name, c.value); err != nil || c.got() != c.want {
			t.Errorf("%s=%s: %d, %v", c.name, c.value, c.got(), err)
		}
		if s.Set(c.name, "-1") == nil || c.got() != c.want {
			t.Errorf("%s=-1 was taken", c.name)
		}
	}
	for profile, want := range map[string][2]int64{"ovs": {15e9, 15e9}, "linux": {30e9, 60e9}, "rfc": {30e9, 60e9}} {
		if err := s.SetProfile(profile); err != nil || s.Frag.Timeout != want {
			t.Errorf("%s: %v, %v", profile, s.Frag.Timeout, err)
		}
	}
}
