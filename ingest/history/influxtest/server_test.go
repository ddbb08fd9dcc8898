package influxtest

import "testing"

func TestAServerKeepsItsAddressAndDataWhenItIsKilled(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Auth: true})
	db := s.Database()
	s.Write(db, "m,device=a v=1 1000000")
	s.Kill()
	s.Restart()
	rows := s.Query(db, `SELECT v FROM m`)
	if len(rows) != 1 || rows[0][0] != 1e6 || rows[0][1] != 1.0 {
		t.Errorf("rows %v, want one of 1 at 1 s", rows)
	}
}
