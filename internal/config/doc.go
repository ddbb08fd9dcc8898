// Package config reads how a gateway is set up: one YAML file, overlaid with
// environment variables.
//
//	file --strict YAML--> Config <--TELLTALE_*-- environment
//	                        |
//	                     validate: every fault at once, each with its path
//
// Every key may be left out; the defaults run everything embedded on loopback.
// Unknown keys are refused. Secrets are of type [Secret], which prints as ***.
// What devices, rules and customers there are is not configuration: people
// declare that with `telltale apply`.
package config
