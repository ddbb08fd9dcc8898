// Package codec turns the bytes that devices send into reports.
//
//	topic, bytes --Router.Route--> Codec --Decode--> []devices.Report
//
// A [Source] says which topics speak which format and how to find the device's
// id. The formats are [Native] (this product's own) with its topic for
// [Status]; [SenML] and [Sparkplug]; those of vendors ([Shelly], [Tasmota],
// [Zigbee2MQTT]) and of LoRaWAN network servers ([ChirpStack], [TTN]); and
// [Fields]: any JSON, by paths.
//
// A codec believes nothing that it cannot read and guesses nothing: whatever
// is wrong is a [*PayloadError] whose sentence names the field and the byte.
// It does not know which devices exist and does not judge values, units or
// times; that is the ingest pipeline's work. Codecs keep no state between
// messages, but for [Sparkplug], and are safe for concurrent use. Memory is
// bounded by the limits in this package, whatever the bytes are.
//
// Start reading at [Codec], then native.go; flatten.go is what the codecs of
// vendors share, instant.go how numbers become times.
package codec
