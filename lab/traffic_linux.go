package lab

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// reuse lets several sockets share a port: the server listens on port 80 and,
// once broken into, also speaks from it.
func reuse(_, _ string, c syscall.RawConn) (err error) {
	ctl := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	})
	return errors.Join(ctl, err)
}

// ServeHTTP answers every request on the server's port 80 with a page of the
// given size in bytes, until stop is called.
func (n *Network) ServeHTTP(size int) (stop func(), err error) {
	var l net.Listener
	err = n.Server.Do(func() (err error) {
		lc := net.ListenConfig{Control: reuse}
		l, err = lc.Listen(context.Background(), "tcp4", net.JoinHostPort(ServerAddr, "80"))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("serve http: %w", err)
	}
	page := []byte(strings.Repeat("<p>Connection tracking: new, established, related.</p>\n", size/55+1)[:size])
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write(page) // the client sees a short page
	})}
	go srv.Serve(l)
	return func() { srv.Close() }, nil
}

// Get fetches the server's page from the client over a connection of its own
// and returns the page's length in bytes.
func (n *Network) Get() (int64, error) {
	conn, err := n.dialHTTP()
	if err != nil {
		return 0, fmt.Errorf("get page: %w", err)
	}
	defer conn.Close()
	resp, err := request(conn, http.MethodGet, true)
	if err != nil {
		return 0, fmt.Errorf("get page: %w", err)
	}
	defer resp.Body.Close()
	size, err := io.Copy(io.Discard, resp.Body)
	if err != nil {
		return size, fmt.Errorf("get page: %w", err)
	}
	return size, nil
}

// Keep asks the server for the page's head and returns the connection, which
// both sides keep open.
func (n *Network) Keep() (io.Closer, error) {
	conn, err := n.dialHTTP()
	if err != nil {
		return nil, fmt.Errorf("get head: %w", err)
	}
	if _, err := request(conn, http.MethodHead, false); err != nil {
		conn.Close()
		return nil, fmt.Errorf("get head: %w", err)
	}
	return conn, nil
}

func (n *Network) dialHTTP() (conn net.Conn, err error) {
	err = n.Client.Do(func() (err error) {
		conn, err = net.DialTimeout("tcp4", net.JoinHostPort(ServerAddr, "80"), 3*time.Second)
		return err
	})
	return conn, err
}

// request sends one request and reads the answer's head.
func request(conn net.Conn, method string, last bool) (*http.Response, error) {
	req, err := http.NewRequest(method, "http://"+ServerAddr+"/", nil)
	if err != nil {
		return nil, err
	}
	req.Close = last
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	return http.ReadResponse(bufio.NewReader(conn), req)
}

// CallOut lets the server, from its port 80, try to open a connection to port
// 8080 of a host elsewhere that never answers, for as long as patience lasts:
// SYN and its retransmissions. It fails when, against expectation, somebody
// answers.
func (n *Network) CallOut(patience time.Duration) error {
	d := net.Dialer{
		LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ServerAddr), 80)),
		Control:   reuse,
		Timeout:   patience,
	}
	var conn net.Conn
	err := n.Server.Do(func() (err error) {
		conn, err = d.Dial("tcp4", net.JoinHostPort(ElsewhereAddr, "8080"))
		return err
	})
	if err == nil {
		conn.Close()
		return errors.New("call out: somebody answered")
	}
	if timeout := net.Error(nil); !errors.As(err, &timeout) || !timeout.Timeout() {
		return fmt.Errorf("call out: %w", err)
	}
	return nil
}

// Resolve asks the server's UDP port 53 for an address, DNS fashion, and
// waits for its answer.
func (n *Network) Resolve() error {
	var srv net.PacketConn
	err := n.Server.Do(func() (err error) {
		srv, err = net.ListenPacket("udp4", net.JoinHostPort(ServerAddr, "53"))
		return err
	})
	if err != nil {
		return fmt.Errorf("serve dns: %w", err)
	}
	defer srv.Close()
	go answerDNS(srv)

	var c net.Conn
	err = n.Client.Do(func() (err error) {
		c, err = net.Dial("udp4", net.JoinHostPort(ServerAddr, "53"))
		return err
	})
	if err != nil {
		return fmt.Errorf("resolve: %w", err)
	}
	defer c.Close()
	// Header (ID, recursion desired, one question), then www.example, A, IN.
	q := []byte("\x51\x1c\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x00\x00\x01\x00\x01")
	if _, err := c.Write(q); err != nil {
		return fmt.Errorf("resolve: %w", err)
	}
	_ = c.SetReadDeadline(time.Now().Add(3 * time.Second))
	if _, err := c.Read(make([]byte, 512)); err != nil {
		return fmt.Errorf("resolve: %w", err)
	}
	return nil
}

// answerDNS answers one query with the server's own address.
func answerDNS(srv net.PacketConn) {
	b := make([]byte, 512)
	n, from, err := srv.ReadFrom(b)
	if err != nil || n < 12 {
		return // closed, or no query; Resolve times out
	}
	a := append([]byte(nil), b[:n]...)
	a[2] |= 0x80 // response
	a[7] = 1     // one answer: a pointer to the name, A, IN, 60 s, 4 bytes
	a = append(a, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4)
	addr := netip.MustParseAddr(ServerAddr).As4()
	_, _ = srv.WriteTo(append(a, addr[:]...), from)
}

// Ping sends echo requests from the client to the server, one a time, and
// waits for each answer.
func (n *Network) Ping(count int) error {
	var c net.Conn
	err := n.Client.Do(func() (err error) {
		c, err = net.Dial("ip4:icmp", ServerAddr)
		return err
	})
	if err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	defer c.Close()
	for seq := range count {
		m := make([]byte, 64)
		m[0] = 8 // echo request
		binary.BigEndian.PutUint16(m[4:], 0x5c1e)
		binary.BigEndian.PutUint16(m[6:], uint16(seq+1))
		var sum uint32
		for i := 0; i < len(m); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(m[i:]))
		}
		binary.BigEndian.PutUint16(m[2:], ^uint16(sum+sum>>16))
		if _, err := c.Write(m); err != nil {
			return fmt.Errorf("ping: %w", err)
		}
		_ = c.SetReadDeadline(time.Now().Add(3 * time.Second))
		if _, err := c.Read(make([]byte, 128)); err != nil {
			return fmt.Errorf("ping: %w", err)
		}
	}
	return nil
}
