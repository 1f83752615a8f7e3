package sim_test
import "os"
func init() { dump = func(a, b string) { os.WriteFile("/tmp/a.txt", []byte(a), 0o644); os.WriteFile("/tmp/b.txt", []byte(b), 0o644) } }
