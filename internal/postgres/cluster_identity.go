package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// identity is whom the server runs as.
type identity struct {
	name     string
	uid, gid int
}

// chooseIdentity says whom the server runs as: ourselves, unless we are root;
// then the owner of existing data, the user postgres, or nobody.
func chooseIdentity(data string) (*identity, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // nil means: as ourselves
	}
	if info, err := os.Stat(data); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 {
			return &identity{name: strconv.Itoa(int(st.Uid)), uid: int(st.Uid), gid: int(st.Gid)}, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if uidErr == nil && gidErr == nil {
			return &identity{name: name, uid: uid, gid: gid}, nil
		}
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
}

// hand makes the server's user the owner of path.
func (f *clusterFolder) hand(path string) error {
	if f.runAs == nil {
		return nil
	}
	if err := os.Lchown(path, f.runAs.uid, f.runAs.gid); err != nil {
		return fmt.Errorf("give %s to user %s: %w", path, f.runAs.name, err)
	}
	return nil
}
