// Package postgres is the store: every line of SQL, the schema's migrations,
// and the private server that Telltale runs when it is given none.
//
//	StartCluster --URL--> Migrate --> Open --> *DB --InTx--> effects + AdvanceCheckpoint: one commit
//	                                           \--> NewHistory: COPY + presence + AdvanceCheckpoints: one commit
//
// A [DB] is the database or one transaction in it, with the same methods: the
// domain packages declare small interfaces, and *DB implements them, a file
// per aggregate. Driver errors are translated to the domain's sentinels here
// (errors.go), so nobody else knows pgx.
//
// What it promises: all methods of a transaction commit together or not at
// all; a consumer whose partition went to another node cannot commit
// ([DB.AdvanceCheckpoint]); a reading is stored once ([History]); times come
// back in UTC; a [Cluster] is crash safe, is started again when it dies, and
// never outlives its process. It decides nothing: rules, states and texts are
// the domain's.
//
//	cluster, err := postgres.StartCluster(ctx, postgres.ClusterOptions{Dir: "data/postgres", Log: log})
//	// or the URL of a database that somebody else runs
//	defer cluster.Stop(ctx)
//	err = postgres.Migrate(ctx, cluster.URL())
//	db, err := postgres.Open(ctx, cluster.URL(), postgres.Options{})
//	defer db.Close()
//
//	epoch, ok, err := db.AcquireLease(ctx, "rules", partition, node, 15*time.Second)
//	err = db.InTx(ctx, func(tx *postgres.DB) error {
//		if err := applyEffects(ctx, tx); err != nil {
//			return err
//		}
//		return tx.AdvanceCheckpoint(ctx, "rules", partition, epoch, seq)
//	})
//
// Tests get a real database of their own from package pgtest.
//
// Start reading at [Open] and [DB.InTx], then partitions.go, then the
// aggregate you need; the server is in cluster.go, the schema in
// migrations/0001_initial.sql.
package postgres
