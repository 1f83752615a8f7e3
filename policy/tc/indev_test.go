package tc

import (
	"errors"
	"strings"
	"testing"

	"sluice/policy"
)

// TestIndevAlone: a device that nothing but indev names is none, as to the
// kernel (cls_api.c tcf_change_indev); what names it may come later.
func TestIndevAlone(t *testing.T) {
	const f = "filter add dev d ingress pref %P proto ip flower indev e action drop\n"
	line := func(pref string) string { return strings.Replace(f, "%P", pref, 1) }
	_, _, err := Load("p.tc", strings.NewReader("qdisc add dev d ingress\n"+line("1")+line("2")))
	var e *Error
	if !errors.As(err, &e) || e.Msg != noDevice || e.Code() != 2 || e.Line != 2 || !strings.HasPrefix(e.Error(), "p.tc:2:55: ") {
		t.Errorf("got %v (%+v)", err, e)
	}
	for _, names := range []string{
		"qdisc add dev e ingress", "filter add dev e ingress proto ip flower action pass",
		"filter add dev d ingress pref 9 proto ip flower action mirred egress redirect dev e", "ip link add e type dummy", "ip link add e type vxlan external",
	} {
		for _, text := range []string{names + "\n" + line("1"), line("1") + names + "\n"} {
			if _, _, err := Load("p.tc", strings.NewReader(text)); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
	p := &policy.Policy{}
	p.Declare("d")
	s := &Session{Policy: p, Strict: true}
	s.Run("qdisc add dev d ingress")
	if err := s.Run(strings.TrimSpace(line("1"))); err == nil || !strings.Contains(err.Error(), "Network device not found") {
		t.Errorf("strict: %v", err)
	}
}
