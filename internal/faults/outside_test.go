package faults

import "telltale/internal/postgres"

type database struct {
	cluster *postgres.Cluster
	link    *link
}
type natsServer struct {
	link    *link
	address string
}
type mosquitto struct {
	link    *link
	address string
}
