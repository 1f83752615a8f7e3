package conntrack

import (
	"testing"

	"sluice/packet/packettest"
)

// expectant is an FTP connection that has announced port 51210 and ends ten
// seconds later, d after the next packet. Beside it there is another one, of the
// same client's.
func expectant(t *testing.T, d int64, sysctls ...string) *control {
	t.Helper()
	c := newControl(t, FTP, sysctls...)
	c.Listen(100)
	if c.say("USER a\r\n"); !c.say(portLine(51210)) {
		t.Fatal("the announcement was refused")
	}
	for _, f := range [][]byte{
		packettest.TCP(cAddr, sAddr, 40001, 21, "S", 1000, 0, ""), packettest.TCP(sAddr, cAddr, 21, 40001, "SA", 5000, 1001, ""),
		packettest.TCP(cAddr, sAddr, 40001, 21, "A", 1001, 5001, ""), packettest.TCP(cAddr, sAddr, 40001, 21, "PA", 1001, 5001, "USER a\r\n"),
	} {
		c.pass(f, FTP)
	}
	conn := c.Conn(c.ref)
	conn.Timeout = c.now + 10*second
	c.Sooner(c.ref, conn)
	c.now = conn.Timeout - d - 1e6 // the next packet comes a millisecond later
	return c
}

// sayAgain announces a port on the client's other FTP connection.
func (c *control) sayAgain(port int) bool {
	c.Helper()
	_, ok := c.pass(packettest.TCP(cAddr, sAddr, 40001, 21, "PA", 1009, 5001, portLine(port)), NoHelper)
	return ok
}

// TestExpectationsOfExpiredMasters: what an expired connection has announced
// counts for nothing, whether or not the connection has been collected. The
// kernel's goes when the connection is collected (nf_ct_remove_expectations).
func TestExpectationsOfExpiredMasters(t *testing.T) {
	for _, tc := range []struct {
		name string
		left int64 // ns
	}{{"a_moment_before", 1}, {"at_the_deadline", 0}} {
		expired := tc.left == 0
		ended := func(t *testing.T, c *control) {
			t.Helper()
			last := Event{}
			n := 0
			for _, e := range c.Events(0) {
				if e.What == EventDestroy {
					last = *e
					n++
				}
			}
			if expired && (n != 1 || last.Ref != c.ref || !last.Expired || last.Time != c.now || c.Conn(c.ref) != nil) || !expired && n != 0 {
				t.Errorf("%d ended, the last at %d: %+v", n, c.now, last)
			}
			if errs := c.Check(); len(errs) != 0 {
				t.Error(errs)
			}
		}
		t.Run(tc.name+"/related", func(t *testing.T) {
			c := expectant(t, tc.left)
			if got, want := len(c.Expectations(c.now+1e6)), map[bool]int{false: 1}[expired]; got != want {
				t.Errorf("%d are listed, want %d", got, want)
			}
			if c.expect.n != 1 || c.Conn(c.ref) == nil {
				t.Error("a listing ends connections")
			}
			if got, want := c.data(51210), map[bool]string{true: "new", false: "rel"}[expired]; got != want {
				t.Errorf("%s, want %s", got, want)
			}
			ended(t, c)
		})
		t.Run(tc.name+"/busy", func(t *testing.T) {
			c := expectant(t, tc.left)
			if c.sayAgain(51210) != expired {
				t.Errorf("another connection's announcement: refused %v", expired)
			}
			ended(t, c)
		})
		t.Run(tc.name+"/nf_conntrack_expect_max", func(t *testing.T) {
			c := expectant(t, tc.left, "nf_conntrack_expect_max=1")
			if c.sayAgain(51211) != expired || c.expect.n != 1 {
				t.Errorf("one above the limit: refused %v, %d are kept", expired, c.expect.n)
			}
			ended(t, c)
		})
	}
	t.Run("not_its_own", func(t *testing.T) {
		// A connection whose timeout is zero lives while its packet is judged.
		c := expectant(t, second)
		for _, name := range []string{"established", "unacknowledged"} {
			if err := c.Settings().Set("nf_conntrack_tcp_timeout_"+name, "0"); err != nil {
				t.Fatal(err)
			}
		}
		if !c.say(portLine(51210)) || c.Conn(c.ref) == nil || c.expect.n != 1 {
			t.Error("the connection has ended within its packet")
		}
		conn := c.Conn(c.ref)
		if conn.Timeout != c.now {
			t.Fatal("its timeout is not zero")
		}
		c.Settings().ExpectMax = 0
		conn.Timeout += second
		if c.say(portLine(51211)) || c.Conn(c.ref) == nil {
			t.Error("the connection has ended within its packet")
		}
	})
	t.Run("a_master_that_is_not_committed", func(t *testing.T) {
		c := newControl(t, FTP)
		conn := c.Conn(c.ref)
		if conn.Status &^= StatusConfirmed; c.masterGone(c.now+1e18, c.ref) {
			t.Error("its time has not begun")
		}
	})
}
