package partition

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestADueShipmentIsJudgedOnceAfterItsLastReport(t *testing.T) {
	t.Parallel()
	got := mergeDue([]Due{{"S-2", "p0/1/0"}, {"S-1", "p0/1/1"}, {"S-2", "p0/1/2"}, {"S-1", "p0/2/0"}, {"S-3", "p0/2/1"}})
	want := []Due{{"S-1", "p0/2/0"}, {"S-2", "p0/1/2"}, {"S-3", "p0/2/1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(want, mergeDue(got)); diff != "" { // a commit is tried again
		t.Errorf("again (-want +got)\n%s", diff)
	}
}
