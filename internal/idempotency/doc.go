// Package idempotency makes a repeated HTTP request happen once.
//
//	POST + Idempotency-Key --Claim--> new: run, keep the answer
//	                                  kept: replay the answer
//	                                  running, or never finished: 409
//	                                  another request's key: 422
//
// A key belongs to one principal and one request: method, target and body. The
// answer is kept when the request succeeded. A refused request changed
// nothing, so its key is given back and the client may mend the request. A
// request that never finished, because the process died on it, keeps its key:
// whether it happened is not known, and running it again could do it twice.
//
// Start reading at [Keeper.Wrap].
package idempotency
