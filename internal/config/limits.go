package config

// Limits keep one device from taking what is the others'.
type Limits struct {
	// DeviceRate is how many messages per second a device may send in the long
	// run. Default 200.
	DeviceRate float64 `yaml:"device_rate"`

	// DeviceBurst is how many it may send at once after a silence. Default
	// 100,000: what a device stored in a day at one message a second.
	DeviceBurst float64 `yaml:"device_burst"`
}

func (l *Limits) setDefaults() {
	setDefault(&l.DeviceRate, 200)
	setDefault(&l.DeviceBurst, 100_000)
}

func (l *Limits) validate(fault func(string, ...any)) {
	if !(l.DeviceRate > 0) {
		fault("limits.device_rate: must be positive, is %g", l.DeviceRate)
	}
	if !(l.DeviceBurst >= 1) {
		fault("limits.device_burst: must be at least 1, is %g", l.DeviceBurst)
	}
}
