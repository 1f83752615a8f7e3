package policy

// Errno is an error number of the kernel, in the words of strerror(3).
type Errno string

func (e Errno) Error() string { return string(e) }

// The error numbers that changing a policy can give.
const (
	EPERM           Errno = "Operation not permitted"
	ENOENT          Errno = "No such file or directory"
	EAGAIN          Errno = "Resource temporarily unavailable"
	EBUSY           Errno = "Device or resource busy"
	EEXIST          Errno = "File exists"
	ENODEV          Errno = "No such device"
	ENOMEM          Errno = "Cannot allocate memory"
	ERANGE          Errno = "Numerical result out of range"
	EINVAL          Errno = "Invalid argument"
	ENOSPC          Errno = "No space left on device"
	EOPNOTSUPP      Errno = "Operation not supported"
	EPROTONOSUPPORT Errno = "Protocol not supported"
	ENOTDIR         Errno = "Not a directory"
)

// Error is the kernel's refusal of a change. The policy is as it was before.
// errors.Is(err, EEXIST) and the like look at its number.
type Error struct {
	Errno Errno
	Msg   string // the kernel's extended acknowledgement; often empty
	// Other is the filter that stands in the way, if one does.
	Other *Filter
	// Key is the keyword whose Value is refused, and Want what it takes; empty:
	// the command as a whole is.
	Key   string
	Value uint32
	Want  string
}

func (e *Error) Error() string {
	if e.Msg != "" {
		return e.Msg
	}
	return string(e.Errno)
}

// Unwrap gives the error number.
func (e *Error) Unwrap() error { return e.Errno }

func refuse(no Errno, msg string) error { return &Error{Errno: no, Msg: msg} }

// refuseValue refuses what stands behind a keyword.
func refuseValue(no Errno, msg, key string, value uint32, want string) error {
	return &Error{Errno: no, Msg: msg, Key: key, Value: value, Want: want}
}
