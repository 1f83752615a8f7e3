package lab

import (
	"io"
	"time"
)

// PageSize is the size in bytes of the page that Scene fetches.
const PageSize = 40_000

// Scene plays what the demo's capture shows: a ping and a DNS query, which
// the HTTP policy does not speak of; a page fetched over HTTP, which it
// allows; a second connection that stays open; and the server calling out from its port 80, which only a policy
// that tracks connections can tell from an answer, and which must be dropped.
func (n *Network) Scene(tap Tap) error {
	stop, err := n.ServeHTTP(PageSize)
	if err != nil {
		return err
	}
	defer stop()
	var kept io.Closer // closed when nobody records any more
	defer func() {
		if kept != nil {
			kept.Close()
		}
	}()
	return n.Run(tap, func() (err error) {
		if err = n.Ping(1); err != nil {
			return err
		}
		if err = n.Resolve(); err != nil {
			return err
		}
		if _, err = n.Get(); err != nil {
			return err
		}
		if kept, err = n.Keep(); err != nil {
			return err
		}
		return n.CallOut(3500 * time.Millisecond)
	})
}
