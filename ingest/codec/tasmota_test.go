package codec

import (
	"testing"
	"time"
)

func TestTasmotaMessages(t *testing.T) {
	t.Parallel()
	c, err := NewTasmota("topic[1]", nil)
	if err != nil {
		t.Fatal(err)
	}
	const sensor, state = "tele/fridge-7/SENSOR", "tele/fridge-7/STATE"
	checkMessages(t, c, []sent{
		{"a sensor, at the time of receipt because nobody knows the zone", sensor,
			`{"Time":"2017-02-16T10:13:52","DS18B20":{"Id":"0000013D0A8B","Temperature":20.6},"TempUnit":"C"}`,
			`fridge-7: DS18B20_Id=0000013D0A8B! DS18B20_Temperature=20.6C`},
		{"units stand behind the values", sensor,
			`{"Time":"2024-02-25T11:27:00","BME280":{"Temperature":77,"Humidity":65.5,"DewPoint":64.1,"Pressure":753.3},"TempUnit":"F","PressureUnit":"mmHg"}`,
			`fridge-7: BME280_Temperature=77F BME280_Humidity=65.5 BME280_DewPoint=64.1F BME280_Pressure=753.3mmHg`},
		{"two sensors of one kind", sensor, `{"DS18B20-1":{"Temperature":1},"DS18B20-2":{"Temperature":2}}`,
			`fridge-7: DS18B20_1_Temperature=1 DS18B20_2_Temperature=2`},
		{"several probes of one kind", sensor, `{"ANALOG":{"Temperature1":68,"Temperature2":50},"X":{"Temperature":[32,41]},"WindMeter":{"Speed":3.6},"TempUnit":"F","SpeedUnit":"km/h"}`,
			`fridge-7: ANALOG_Temperature1=68F ANALOG_Temperature2=50F X_Temperature_0=32F X_Temperature_1=41F WindMeter_Speed=3.6km/h`},
		{"energy by phase", sensor, `{"ENERGY":{"TotalStartTime":"2023-06-15T08:00:00","Total":16.2,"Power":[12,0],"Factor":0.93}}`,
			`fridge-7: ENERGY_TotalStartTime=2023-06-15T08:00:00! ENERGY_Total=16.2 ENERGY_Power_0=12 ENERGY_Power_1=0 ENERGY_Factor=0.93`},
		{"a sensor that is not there", sensor, `{"AM2301":{"Temperature":null,"Humidity":null},"TempUnit":"C"}`, `fridge-7:`},
		{"a time with an offset", sensor, `{"Time":"2026-02-28T10:13:52+01:00","ANALOG":{"A0":542}}`, `fridge-7 at 2026-02-28T09:13:52Z: ANALOG_A0=542`},
		{"a time in seconds", sensor, `{"Time":1772186400,"ANALOG":{"A0":542}}`, `fridge-7 at 2026-02-27T10:00:00Z: ANALOG_A0=542`},
		{"an epoch beside the local time", sensor, `{"Time":"2026-02-27T11:00:00","Epoch":1772186400,"ANALOG":{"A0":542}}`, `fridge-7 at 2026-02-27T10:00:00Z: ANALOG_A0=542`},
		{"the state", state, `{"Time":"2026-02-27T11:00:00","Uptime":"1T20:34:21","POWER":"ON","Wifi":{"RSSI":70,"Signal":-65}}`,
			`fridge-7: Uptime=1T20:34:21! POWER=ON! Wifi_RSSI=70 Wifi_Signal=-65`},
		{"a relay alone", "stat/fridge-7/POWER1", `OFF`, `fridge-7: POWER1=OFF!`},
		{"a limit of power", "tele/fridge-7/POWER_LOW", `ON`, `fridge-7: POWER_LOW=ON!`},
		{"an object on a topic of its own", "tele/fridge-7/Zb", `{"Device":"0x4773","Temperature":21}`, `fridge-7: Zb_Device=0x4773! Zb_Temperature=21`},
		{"an answer with sensors", "stat/fridge-7/STATUS8", `{"StatusSNS":{"Time":"2026-02-27T11:00:00","DS18B20":{"Temperature":68},"TempUnit":"F"}}`,
			`fridge-7: DS18B20_Temperature=68F`},
		{"online", "tele/fridge-7/LWT", `Online`, `fridge-7: online`},
		{"offline", "tele/fridge-7/LWT", `Offline`, `fridge-7: offline`},
		{"a will that is cleared", "tele/fridge-7/LWT", ``, ``},
		{"an answer", "stat/fridge-7/RESULT", `{"POWER":"ON"}`, ``},
		{"an answer about the network", "stat/fridge-7/STATUS5", `{"StatusNET":{}}`, ``},
		{"a command", "cmnd/fridge-7/POWER", `ON`, ``},
		{"the will in other words", "tele/fridge-7/LWT", `online`, `wrong: must be Online or Offline (byte 0)`},
		{"a list", sensor, `[1]`, `wrong: must be an object, not a list (byte 0)`},
		{"a number instead of a message", state, `21.5`, `wrong: must be an object, not a number (byte 0)`},
		{"no JSON", sensor, `{"Time":`, `wrong: not JSON: ends in the middle (byte 8)`},
		{"a time that is none", sensor, `{"Time":"noon"}`, `wrong: Time: must be a time such as 2026-03-01T12:00:00 (byte 8)`},
		{"a time that is a list", sensor, `{"Time":[]}`, `wrong: Time: must be a time, not a list (byte 8)`},
		{"a unit that is a number", sensor, `{"TempUnit":1}`, `wrong: TempUnit: must be a text, not a number (byte 12)`},
		{"bytes that are no text", "tele/fridge-7/X", "\x00\x01", `wrong: neither JSON nor a text (byte 0)`},
		{"no device", "tele", `{}`, `wrong: topic "tele" has no level 1 for the device's id`},
	})
}

func TestTasmotaInItsTimezone(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewTasmota("topic[2]", zone)
	if err != nil {
		t.Fatal(err)
	}
	checkMessages(t, c, []sent{
		{"a local time in winter", "tele/home/fridge-7/SENSOR", `{"Time":"2026-02-27T11:00:00","A":1}`, `fridge-7 at 2026-02-27T10:00:00Z: A=1`},
		{"a local time in summer", "tele/home/fridge-7/SENSOR", `{"Time":"2025-07-27T11:00:00","A":1}`, `fridge-7 at 2025-07-27T09:00:00Z: A=1`},
		{"a clock that has lost the time", "tele/home/fridge-7/SENSOR", `{"Time":"1970-01-01T00:00:12","A":1}`, `fridge-7 at 1969-12-31T23:00:12Z: A=1`},
	})
}
