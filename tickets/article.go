package tickets

// Article is a page of the knowledge base: how a fault shows and what helps.
type Article struct {
	ID     string
	Title  string
	Faults []string // fault codes it helps with
	Body   string   // plain text, paragraphs parted by an empty line
}
