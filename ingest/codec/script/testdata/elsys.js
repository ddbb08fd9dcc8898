// Elsys ERS and ELT sensors: a list of values, each with its type before it.
var types = {
  0x01: {size: 2, read: function (d, v) { d.temperature = signed(v, 16) / 10; }},
  0x02: {size: 1, read: function (d, v) { d.humidity = v; }},
  0x04: {size: 2, read: function (d, v) { d.light = v; }},
  0x05: {size: 1, read: function (d, v) { d.pir = v; }},
  0x06: {size: 2, read: function (d, v) { d.co2 = v; }},
  0x07: {size: 2, read: function (d, v) { d.vdd = v; }},
  0x08: {size: 2, read: function (d, v) { d.analog1 = v; }},
  0x0a: {size: 2, read: function (d, v) { d.pulse1 = v; }},
  0x0c: {size: 2, read: function (d, v) { d.externalTemperature = signed(v, 16) / 10; }},
  0x0d: {size: 1, read: function (d, v) { d.digital = v; }},
  0x14: {size: 4, read: function (d, v) { d.pressure = v / 1000; }},
  0x15: {size: 2, read: function (d, v) { d.soundPeak = v >> 8; d.soundAvg = v & 0xff; }},
  0x1c: {size: 2, read: function (d, v) { d.tvoc = v; }}
};

function signed(v, bits) { return v >= Math.pow(2, bits - 1) ? v - Math.pow(2, bits) : v; }

function decodeUplink(input) {
  var data = {};
  for (var i = 0; i < input.bytes.length;) {
    var type = types[input.bytes[i]];
    if (!type) return {errors: ["unknown type 0x" + input.bytes[i].toString(16) + " at byte " + i]};
    if (i + type.size >= input.bytes.length) return {errors: ["frame ends within the value at byte " + i]};
    var v = 0;
    for (var n = 1; n <= type.size; n++) v = v * 256 + input.bytes[i + n];
    type.read(data, v);
    i += 1 + type.size;
  }
  return {data: data};
}
