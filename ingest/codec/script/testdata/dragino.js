// Dragino sensors; which one it is says the variable "sensor". Numbers have the
// highest byte first.
const u16 = (b, i) => b[i] << 8 | b[i + 1];
const i16 = (b, i) => u16(b, i) << 16 >> 16;
const u24 = (b, i) => u16(b, i) << 8 | b[i + 2];
const volts = (b) => (u16(b, 0) & 0x3fff) / 1000;
const open = (on) => on ? "L" : "H"; // an open drain pulls down when it is on
const high = (on) => on ? "H" : "L";
const works = ["", "2ACI+2AVI", "Count mode 1", "2ACI+1Count", "Count mode 2", "1ACI+2AVI+1Count"];

const sensors = {
  "ldds75": {size: 8, read: (b) => ({
    Bat: volts(b), Distance: u16(b, 2), Interrupt_flag: b[4], TempC_DS18B20: (i16(b, 5) / 10).toFixed(2), Sensor_flag: b[7],
  })},
  "lds02": {size: 10, read: (b) => ({
    Node_type: "LDS02", BAT_V: volts(b), MOD: b[2], DOOR_OPEN_STATUS: b[0] >> 7, DOOR_OPEN_TIMES: u24(b, 3),
    LAST_DOOR_OPEN_DURATION: u24(b, 6), ALARM: b[9] & 1,
  })},
  "lht65n": {size: 9, read: (b) => {
    const data = {BatV: volts(b), Bat_status: b[0] >> 6, TempC_SHT: i16(b, 2) / 100, Hum_SHT: u16(b, 4) / 10};
    if ((b[6] & 0x7f) === 1) {
      data.Ext_sensor = "Temperature Sensor";
      data.TempC_DS = i16(b, 7) / 100;
    }
    return data;
  }},
  "lt-22222-l": {size: 11, read: (b) => {
    if ((b[10] & 0x3f) !== 1) throw new Error("work mode " + (works[b[10] & 0x3f] || b[10] & 0x3f) + " is not read");
    return {
      Hardware_mode: b[10] >> 6 === 1 ? "LT22222" : "LT33222", Work_mode: works[1],
      AVI1_V: i16(b, 0) / 1000, AVI2_V: i16(b, 2) / 1000, ACI1_mA: i16(b, 4) / 1000, ACI2_mA: i16(b, 6) / 1000,
      DO1_status: open(b[8] & 1), DO2_status: open(b[8] & 2), DI1_status: high(b[8] & 8), DI2_status: high(b[8] & 16),
      RO1_status: b[8] & 128 ? "ON" : "OFF", RO2_status: b[8] & 64 ? "ON" : "OFF",
    };
  }},
};

function decodeUplink({bytes, variables}) {
  const sensor = sensors[variables.sensor];
  if (!sensor) return {errors: [`unknown sensor ${variables.sensor}`]};
  if (bytes.length < sensor.size) return {errors: [`frame of ${bytes.length} bytes, want ${sensor.size}`]};
  return {data: sensor.read(bytes)};
}
