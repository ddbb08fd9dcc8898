package declare

import "telltale/tickets"

func readArticle(f *fields) any {
	return &tickets.Article{
		ID:     f.mustID("id"),
		Title:  f.mustText("title"),
		Faults: f.texts("faults"),
		Body:   f.mustText("body"),
	}
}

type articleSpec struct {
	ID     string   `json:"id"`
	Title  string   `json:"title"`
	Faults []string `json:"faults,omitempty"`
	Body   string   `json:"body"`
}

func encodeArticle(a *tickets.Article) articleSpec { return articleSpec(*a) }
