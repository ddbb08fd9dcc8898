// Decentlab sensors, protocol 2: a bit for each group of 16-bit words that
// follows. Which sensor it is says the variable "sensor".
var level = function (n) {
  return {name: "temperature_at_level_" + n, title: "Temperature at level " + n, unit: "°C", of: function (x) { return (x[n] - 32768) / 100; }};
};
var levels = [];
for (var n = 0; n < 16; n++) levels.push(level(n));

var sensors = {
  ds18: [{words: 1, values: [{name: "temperature", title: "Temperature", unit: "°C", of: function (x) { return (x[0] - 32768) / 16; }}]}],
  tp: [{words: 16, values: levels}],
  rhc: [{words: 4, values: [
    {name: "sensor_id", title: "Sensor ID", of: function (x) { return x[0] + x[1] * 65536; }},
    {name: "air_humidity", title: "Air humidity", unit: "%", of: function (x) { return (x[2]) / 100; }},
    {name: "air_temperature", title: "Air temperature", unit: "°C", of: function (x) { return (x[3] - 32768) / 100; }}
  ]}],
  sht35: [{words: 2, values: [
    {name: "air_temperature", title: "Air temperature", unit: "°C", of: function (x) { return 175 * x[0] / 65535 - 45; }},
    {name: "air_humidity", title: "Air humidity", unit: "%", of: function (x) { return 100 * x[1] / 65535; }}
  ]}]
};
var battery = {words: 1, values: [{name: "battery_voltage", title: "Battery voltage", unit: "V", of: function (x) { return x[0] / 1000; }}]};

function decodeUplink(input) {
  var b = input.bytes, sensor = sensors[input.variables.sensor];
  if (!sensor) return {errors: ["unknown sensor " + input.variables.sensor]};
  if (b[0] !== 2) return {errors: ["protocol " + b[0] + " is not 2"]};
  var word = function (i) { return b[i] * 256 + b[i + 1]; };
  var data = {protocol_version: b[0], device_id: word(1)}, flags = word(3), at = 5;
  sensor.concat([battery]).forEach(function (group, i) {
    if (!(flags >> i & 1)) return;
    var x = [];
    for (var w = 0; w < group.words; w++, at += 2) x.push(word(at));
    if (at > b.length) throw new Error("frame ends within group " + i);
    group.values.forEach(function (v) {
      data[v.name] = {displayName: v.title, value: v.of(x)};
      if (v.unit) data[v.name].unit = v.unit;
    });
  });
  return {data: data};
}
