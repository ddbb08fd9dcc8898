// Cayenne LPP: channel, type, value, the highest byte first. Types are the
// IPSO object numbers less 3200.
const unsigned = (b) => b.reduce((sum, v) => sum * 256 + v, 0);
const signed = (b) => unsigned(b) - (b[0] & 0x80 ? Math.pow(256, b.length) : 0);
const types = {
  0x00: {name: "digital_in", size: 1, of: unsigned},
  0x01: {name: "digital_out", size: 1, of: unsigned},
  0x02: {name: "analog_in", size: 2, of: (b) => signed(b) / 100},
  0x65: {name: "illuminance", size: 2, of: unsigned},
  0x66: {name: "presence", size: 1, of: unsigned},
  0x67: {name: "temperature", size: 2, of: (b) => signed(b) / 10},
  0x68: {name: "humidity", size: 1, of: (b) => unsigned(b) / 2},
  0x73: {name: "barometer", size: 2, of: (b) => unsigned(b) / 10},
  0x74: {name: "voltage", size: 2, of: (b) => unsigned(b) / 100},
};

function decodeUplink({bytes}) {
  const data = {};
  for (let at = 0; at < bytes.length;) {
    const type = types[bytes[at + 1]];
    if (!type) return {errors: [`unknown type ${bytes[at + 1]} at byte ${at + 1}`]};
    const value = bytes.slice(at + 2, at + 2 + type.size);
    if (value.length < type.size) return {errors: [`frame ends within ${type.name}`]};
    data[`${type.name}_${bytes[at]}`] = type.of(value);
    at += 2 + type.size;
  }
  return {data};
}
