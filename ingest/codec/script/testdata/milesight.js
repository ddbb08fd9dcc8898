// Milesight EM300 and EM500: channel, type, value, the lowest byte first.
const u16 = (b, i) => b[i] | b[i + 1] << 8;
const i16 = (b, i) => u16(b, i) << 16 >> 16;
const u32 = (b, i) => (u16(b, i) | u16(b, i + 2) << 16) >>> 0;
const leak = (v) => v === 0 ? "normal" : "leak";

const channels = {
  "01 75": [1, (d, b, i) => { d.battery = b[i]; }],
  "03 67": [2, (d, b, i) => { d.temperature = i16(b, i) / 10; }],
  "04 68": [1, (d, b, i) => { d.humidity = b[i] / 2; }],
  "05 00": [1, (d, b, i) => { d.leakage_status = leak(b[i]); }],
  "05 7d": [2, (d, b, i) => { d.co2 = u16(b, i); }],
  "06 00": [1, (d, b, i) => { d.magnet_status = b[i] === 0 ? "close" : "open"; }],
  "06 73": [2, (d, b, i) => { d.pressure = u16(b, i) / 10; }],
  "20 ce": [8, (d, b, i) => {
    (d.history = d.history || []).push({
      timestamp: u32(b, i), temperature: i16(b, i + 4) / 10, humidity: b[i + 6] / 2, leakage_status: leak(b[i + 7]),
    });
  }],
  "ff 03": [2, (d, b, i) => { d.report_interval = u16(b, i); }],
};

function decodeUplink({bytes}) {
  const data = {};
  const hex = (v) => (v < 16 ? "0" : "") + v.toString(16);
  for (let i = 0; i < bytes.length;) {
    const name = `${hex(bytes[i])} ${hex(bytes[i + 1] || 0)}`;
    const channel = channels[name];
    if (!channel) return {errors: [`unknown channel ${name} at byte ${i}`]};
    const [size, read] = channel;
    if (i + 2 + size > bytes.length) return {errors: [`frame ends within channel ${name}`]};
    read(data, bytes, i + 2);
    i += 2 + size;
  }
  return {data};
}
