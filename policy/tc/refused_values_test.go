package tc

import (
	"errors"
	"strings"
	"testing"
)

// TestRefusedValues: where the kernel refuses a value, the error points at it.
func TestRefusedValues(t *testing.T) {
	for _, c := range []struct{ actions, word, msg string }{
		{"action mpls push label 3", "3", "act_mpls: MPLS label out of range"},
		{"action vlan push id 5 action mpls modify la 0x3 tc 2", "0x3", "act_mpls: MPLS label out of range"},
		{"action sample group 3 rate 0 trunc 5", "0", "invalid sample rate"},
		{"action vlan push id 4095", "4095", "Numerical result out of range"},
		{"action vlan modify protocol 802.1q id 4096 priority 3", "4096", "Numerical result out of range"},
	} {
		line := "filter add dev d ingress prio 3 proto 802.1q flower vlan_id 5 " + c.actions
		_, _, err := Load("x.tc", strings.NewReader(line+"\n"))
		var e *Error
		if !errors.As(err, &e) || !e.Kernel || !strings.Contains(e.Msg, c.msg) || e.Word != c.word || e.Want == "" {
			t.Errorf("%s: %+v", c.actions, err)
			continue
		}
		if rest := line[e.Col-1:]; !strings.HasPrefix(rest, c.word) {
			t.Errorf("%s: points at %q", c.actions, rest)
		}
	}
}
