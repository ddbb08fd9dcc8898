package access_test

import (
	"context"
	"fmt"
	"strings"

	"telltale/internal/access"
)

// spy notes what a store is given.
type spy struct {
	access.Store

	seen strings.Builder
	hash string
}

func (s *spy) PutUser(ctx context.Context, u access.User) error {
	fmt.Fprint(&s.seen, u)
	s.hash = u.PasswordHash
	return s.Store.PutUser(ctx, u)
}

func (s *spy) AddToken(ctx context.Context, t access.Token, hash []byte) error {
	fmt.Fprint(&s.seen, t, string(hash))
	return s.Store.AddToken(ctx, t, hash)
}

func (s *spy) AddSession(ctx context.Context, session access.Session, hash []byte) error {
	fmt.Fprint(&s.seen, session, string(hash))
	return s.Store.AddSession(ctx, session, hash)
}
