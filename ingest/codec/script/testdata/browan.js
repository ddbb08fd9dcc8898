// Browan MerryIoT and Tabs: the port says which sensor it is. Numbers have the
// lowest byte first.
const u16 = (b, i) => b[i] | b[i + 1] << 8;
const volts = (b, empty) => (empty + (b & 0x0f)) / 10;
const known = (v) => v === 0xffff ? 0 : v; // all ones: there is no such sensor

const ports = {
  102: {size: 7, read: (b) => ({
    fPort: 102, battery_volt: volts(b[1], 25), temperature: (b[2] & 0x7f) - 32,
    mot_motionst: b[0] & 1, mot_times: u16(b, 3), mot_counts: u16(b, 5),
  })},
  103: {size: 8, read: (b) => ({
    fPort: 103, battery_volt: volts(b[1], 25), temperature: (b[2] & 0x7f) - 32, humidity: b[3] & 0x7f,
    thh_type: b[0] & 1, CO2: known(u16(b, 4)), VOC: known(u16(b, 6)),
  })},
  120: {size: 9, read: (b) => ({
    battery_volt: volts(b[1], 21), temperature: b[2] << 24 >> 24, humi: b[3],
    open: b[0] & 1, button: b[0] >> 1 & 1, tamper: b[0] >> 2 & 1, tilt: b[0] >> 3 & 1,
    time: u16(b, 4), count: u16(b, 6) | b[8] << 16,
  })},
  127: {size: 6, read: (b) => ({
    battery_volt: volts(b[1], 21), temperature: b[2] << 24 >> 24, humidity: b[3],
    trigger: b[0] & 1, button: b[0] >> 1 & 1, co2threshold: b[0] >> 4 & 1, co2calibration: b[0] >> 5 & 1, co2_ppm: u16(b, 4),
  })},
};

function decodeUplink({bytes, fPort}) {
  const port = ports[fPort];
  if (!port) return {errors: [`unknown port ${fPort}`]};
  if (bytes.length < port.size) return {errors: [`frame of ${bytes.length} bytes, want ${port.size}`]};
  return {data: port.read(bytes)};
}
