// Package recalls decides what happens to goods whose temperature went wrong:
// it holds lots, proposes recalls, and carries people's decisions through to
// a ledger that closes.
//
//	report --Watcher--> trace point + shipment that is due
//	due shipment --Desk.Consider--> assessment --> holds + proposed recall + events
//	timer --Desk.CatchUp--> the same, for what was declared or has ended meanwhile
//	people --Desk.Approve, Reject, Answer, Close, ReleaseHold, Create--> recall --> events
//
// A [Watch] knows which device travels with which shipment when. A [Watcher]
// (one per partition) picks the points out of the reports and says which
// shipments are worth another look. [Desk.Consider] then judges the whole
// trace again, in the caller's transaction, with the shipment's row locked:
// twice is the same as once, two nodes are the same as one.
//
// What is promised:
//
//   - A used-up reject budget holds every lot of the shipment and proposes one
//     recall. It does so once per shipment and budget: when people have
//     rejected the recall or released a lot, only another budget brings them
//     back. While a recall of the shipment is undecided or running, another
//     budget is added to it instead of a second recall.
//   - Data that come later may turn a verdict for the better. The hold stays,
//     the recall says so, and people decide: nothing is released by itself.
//   - Two different people sign before a recall is approved.
//   - A recall closes when every consignee has answered and every unit is
//     accounted for, or when a person says why not.
//
// Start reading at [Recall], then consider.go, then next.go for the recall's
// life. Storage is behind [Store]; the arithmetic is in rules/excursion.
package recalls
