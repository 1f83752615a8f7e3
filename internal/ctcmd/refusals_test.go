package ctcmd

import (
	"strings"
	"testing"
)

// TestRefusals are what conntrack-tools 1.4.7 says to the same words.
func TestRefusals(t *testing.T) {
	file := saved(t)
	for _, c := range []struct {
		args, want string
		code       int
	}{
		{"-L foo", "unknown type `foo'", 2},
		{"-S foo", "unknown type `foo'", 2},
		{"-C foo", "unknown type `foo'", 2},
		{"-L extra words", "unknown type `extra'", 2},
		{"-L -D", "Invalid commands combination", 2},
		{"-D -G", "Invalid commands combination", 2},
		{"-L -p bogus", "`bogus' unsupported protocol", 2},
		{"-L -p 300", "`300' unsupported protocol", 2},
		{"-L -p icmp6", "`icmp6' unsupported protocol", 2},
		{"-L -f ipx", "`ipx' unsupported protocol", 2},
		{"-L -s 1.2.3.4/33", "Invalid netmask", 2},
		{"-L -s 1.2.3.4/x", "Invalid netmask", 2},
		{"-L -d fd00::/129", "Invalid netmask", 2},
		{"-L -s foo", "Invalid IP address `foo'", 2},
		{"-L -r foo", "Invalid IP address `foo'", 2},
		{"-L -n foo", "Invalid IP address `foo'", 2},
		{"-L -r 10.0.0.0/8", "CIDR notation unavailable for `--reply-src'", 2},
		{"-L -n 10.0.0.0/8", "CIDR notation unavailable for `--src-nat'", 2},
		{"-L -s fd00::1 -d 10.0.0.1", "mismatched address family", 2},
		{"-L -f ipv4 -s fd00::1", "mismatched address family", 2},
		{"-L -s 10.0.0.1 -r fd00::1", "mismatched address family", 2},
		{"-L --mask-src 255.255.255.0", "Can't use --mask-src without --src", 2},
		{"-L --mask-dst 255.255.255.0", "Can't use --mask-dst without --dst", 2},
		{"-L -u FOO", "Bad parameter `FOO'", 2},
		{"-L -u CONFIRMED", "Bad parameter `CONFIRMED'", 2},
		{"-L --src-nat 192.168.9.9 --any-nat 1.1.1.1", "cannot specify `--src-nat' or `--dst-nat' with `--any-nat'", 2},
		{"-L -j -g", "cannot specify `--src-nat' or `--dst-nat' with `--any-nat'", 2},
		{"-L -o foo", "Bad parameter `foo'", 2},
		{"-L -o extended,xml,foo", "Bad parameter `foo'", 2},
		{"-L --output=xml,", "Bad parameter `'", 2},
		{"-E -e FOO", "Bad parameter `FOO'", 2},
		{"-E -e new,destroy,bogus", "Bad parameter `bogus'", 2},
		{"-L -e NEW", "Illegal option `--event-mask' with this command", 2},
		{"-L -t 5", "Illegal option `--timeout' with this command", 2},
		{"-L -b 100", "Illegal option `--buffer-size' with this command", 2},
		{"-L -i 5", "Illegal option `--id' with this command", 2},
		{"-L --tuple-src 1.1.1.1", "Illegal option `--tuple-src' with this command", 2},
		{"-D -z", "Illegal option `--zero' with this command", 2},
		{"-E -z", "Illegal option `--zero' with this command", 2},
		{"-F -s 10.0.0.1", "Illegal option `--src' with this command", 2},
		{"-C -s 10.0.0.1", "Illegal option `--src' with this command", 2},
		{"-S -s 10.0.0.1", "Illegal option `--src' with this command", 2},
		{"-F -w 3", "Illegal option `--zone' with this command", 2},
		{"-F -o xml", "Illegal option `--output' with this command", 2},
		{"-S -o xml", "Illegal option `--output' with this command", 2},
		{"-G -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 5 --dport 5 -m 3", "Illegal option `--mark' with this command", 2},
		{"-G -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 5 --dport 5 -u ASSURED", "Illegal option `--status' with this command", 2},
		{"-G -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 5 --dport 5 -f ipv4", "Illegal option `--family' with this command", 2},
		{"-L -p tcp --state FOO", "unknown TCP state `FOO'", 2},
		{"-L -p tcp --state established", "unknown TCP state `established'", 2},
		{"-L -p udp --state ESTABLISHED", "unknown option `--state'", 2},
		{"-L --dport 80", "unknown option `--dport'", 2},
		{"-L --sport 80 -p tcp", "unknown option `--sport'", 2},
		{"-L -p tcp --srckey 5", "unknown option `--srckey'", 2},
		{"-L -p icmpv6 --icmp-type 3", "unknown option `--icmp-type'", 2},
		{"-L -p tcp --bogus", "unknown option `--bogus'", 2},
		{"-L --no-such=5", "unknown option `--no-such=5'", 2},
		{"-L -x", "unknown option `-x'", 2},
		{"-Q", "unknown option `-Q'", 2},
		{"-L --sta ASSURED", "unknown option `--sta'", 2},
		{"-L -q", "option `-q' requires an argument", 2},
		{"-L -o", "option `-o' requires an argument", 2},
		{"-L --src", "option `--src' requires an argument", 2},
		{"-L --zone", "option `--zone' requires an argument", 2},
		{"-L -z -p tcp", "Can't use -z with filtering parameters", 2},
		{"-G", "You need to supply the `--protonum' option for this command", 2},
		{"-G -p tcp -s 10.0.0.1", "you have to specify `--src' and `--dst'", 2},
		{"-G -p udp -s fd00::1 -d fd00::2 --sport 1000", "you have to specify `--sport' and `--dport'", 2},
		{"-G -p gre -s 10.0.0.1 -d 10.0.0.2", "you have to specify `--srckey' and `--dstkey'", 2},
		{"-G -p icmp -s 10.0.0.1 -d 10.0.0.2", "You need to supply the `--icmp-type' option for this command", 2},
		{"-G expect", "You need to supply the `--src' option for this command", 2},
		{"-D expect", "You need to supply the `--src' option for this command", 2},
		{"-D expect -s 10.0.0.1", "Can't do that command with table `expect'", 2},
		{"-L expect -o xml", "Can't use filters and formats with table `expect'", 2},
		{"-L expect -p tcp", "Can't use filters and formats with table `expect'", 2},
		{"-L -p sctp --state FOO", "unknown SCTP state `FOO'", 2},
		{"-L -p dccp --state FOO", "unknown DCCP state `FOO'", 2},
		{"-D dying", "Can't do that command with tables `dying' and `unconfirmed'", 2},
		{"-L -u UNSET", "Operation failed: invalid parameters", 1},
		{"-L -u SRC_NAT", "Operation failed: invalid parameters", 1},
		{"-G -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 1001 --dport 80", "Operation failed: such conntrack doesn't exist", 1},
		{"-G -p 89 -s 10.0.0.1 -d 10.0.0.2", "Operation failed: such conntrack doesn't exist", 1},
		{"-G -p udp -s 10.0.0.3 -d 10.0.0.1 --sport 53 --dport 53", "0 flow entries have been shown.", 1},
		{"-D -m 9", "0 flow entries have been deleted.", 1},
		// Here the program is stricter than its model.
		{"-L -m foo", "Invalid mark `foo'", 2},
		{"-L -m 5/zz", "Invalid mark `zz'", 2},
		{"-L -w 70000", "Invalid zone `70000'", 2},
		{"-L -w abc", "Invalid zone `abc'", 2},
		{"-L -s 1.2.3", "Invalid IP address `1.2.3'", 2},
		{"-L -p tcp --sport 70000", "Invalid port `70000'", 2},
		{"-L -p icmp --icmp-type 300", "Invalid ICMP number `300'", 2},
		{"-E -b many", "Invalid buffer size `many'", 2},
		{"-L conntrack words", "Bad parameter `words'", 2},
		{"-L -l nosuch", "unknown label 'nosuch'", 2},
		{"-L -l 128", "unknown label '128'", 2},
		{"-L -l 0xzz", "unknown label '0xzz'", 2},
		{"-L --connlabel /nowhere/at/all", "Can't open /nowhere/at/all", 2},
		{"-L --zero=3", "option `--zero' takes no argument", 2},
	} {
		t.Run("B094_"+strings.ReplaceAll(c.args, "/", "_"), func(t *testing.T) {
			out, msg, code := call(append([]string{"--state-file", file}, strings.Fields(c.args)...)...)
			if !strings.Contains(msg, "conntrack v1.4.7 (conntrack-tools): "+c.want+"\n") || code != c.code || out != "" {
				t.Errorf("%q, status %d, output %q; want %q, status %d", msg, code, out, c.want, c.code)
			}
		})
	}
	for _, args := range []string{"-L", "-D", "-E", "-F", "-C", "-S", "-G -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 1 --dport 2"} {
		if _, msg, code := call(strings.Fields(args)...); code != 2 || !strings.Contains(msg, "You need to supply the `--state' option") {
			t.Errorf("%s without a state: %q, %d", args, msg, code)
		}
		if _, msg, code := call(append(strings.Fields(args), "--state-file", "/nowhere/at/all")...); code != 1 || !strings.Contains(msg, "no such file") {
			t.Errorf("%s of no file: %q, %d", args, msg, code)
		}
	}
}

// TestStateAfterProtocol: after -p, --state is the protocol's; who means the
// file is told so.
func TestStateAfterProtocol(t *testing.T) {
	const hint = "; after -p the state's file is --state-file\n"
	for _, c := range []struct {
		file string
		want bool
	}{{"week.state", true}, {saved(t), true}, {"FOO", false}} {
		_, msg, code := call("-L", "-p", "tcp", "--state", c.file)
		if code != 2 || strings.Contains(msg, hint) != c.want || !strings.Contains(msg, "unknown TCP state `"+c.file+"'") {
			t.Errorf("%s: %q, status %d", c.file, msg, code)
		}
	}
}

// FuzzParse: no command line panics.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"-L -p tcp --state X", "-Lp", "-D -n 1.2.3.4:5", "-E -e NEW,", "--=", "-l 0x/0x -l -", "-G -p icmp --icmp-type 8", "-z=", "--output"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, " ")
		for _, a := range args {
			if strings.Contains(a, "/") {
				return // a file that may be there
			}
		}
		if r, err := parse(args); err == nil && r.command != 0 && strings.IndexByte(commandLetters, r.command) < 0 {
			t.Errorf("command %c", r.command)
		}
	})
}
