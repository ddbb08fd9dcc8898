// Package declare reads what people declare about their world: models,
// customers, devices, storage profiles, shipments, rules and articles.
//
//	YAML files --Parse--> Set --Check(what is declared already)--> Apply (internal/postgres)
//	CSV rows --ReadTable--^         \--Diff(stored specs)--> Plan, for people to read
//
// Reading is strict and complete: an unknown key, kind or reference is an
// error that names it, and all errors of all files come at once, each with
// its file and line. Neither the order of documents nor that of files means
// anything.
//
// Each declaration has one canonical form, its spec: JSON in the shape of the
// YAML, defaults filled in. [Encode] and [Decode] are symmetrical, so a stored
// spec reads back as the same domain value, and two declarations are equal
// when their specs are. Decode goes through the same readers as the YAML.
//
// [Draft] is for a text that somebody is still writing: it finds everything that
// is wrong at once, among what is declared. [Text] writes a declaration back as
// YAML. Rules carry tests of their own, which [Set.Tests] reads.
//
// The package reads files and nothing else: no database, no clock.
//
// Start reading at [Parse], then reader.go, then one kind, such as device.go.
package declare
