// Decentlab sensors, protocol 2: a bit for each group of 16-bit words that
// follows. Which sensor it is says the variable "sensor".
var level = function (n) {
  return {name: "temperature_at_level_" + n, title: "Temperature at level " + n, unit: "°C", of: function (x) { return (x[n] - 32768) / 100; }};
};
var levels = [];
for (var n = 0; n < 16; n++) levels.push(level(n));

var celsius = function (name, title, word, base, per) {
  return {name: name, title: title, unit: "°C", of: function (x) { return (x[word] - base) / per; }};
};
var battery = {words: 1, values: [{name: "battery_voltage", title: "Battery voltage", unit: "V", of: function (x) { return x[0] / 1000; }}]};

// Water level, by how much a digit of the conductivity says.
var water = function (siemens) {
  return [{words: 4, values: [
    {name: "water_depth", title: "Water depth", unit: "mm", of: function (x) { return x[0] - 32768; }},
    celsius("temperature", "Temperature", 1, 32768, 10),
    {name: "electrical_conductivity", title: "Electrical conductivity", unit: "µS⋅cm⁻¹", of: function (x) { return x[2] * siemens; }},
    {name: "freezing_flag", title: "Freezing flag", of: function (x) { return x[3]; }}
  ]}];
};

// Soil: METER's calibration of the TEROS 11 and 12 for mineral soil, from their
// manual: permittivity and water content by the raw count.
var soil = [
  {name: "dielectric_permittivity", title: "Dielectric permittivity", of: function (x) {
    var c = x[0] / 10;
    return Math.pow(0.000000002887 * Math.pow(c, 3) - 0.0000208 * Math.pow(c, 2) + 0.05276 * c - 43.39, 2);
  }},
  {name: "volumetric_water_content", title: "Volumetric water content", unit: "m³⋅m⁻³", of: function (x) { return x[0] / 10 * 0.0003879 - 0.6956; }},
  celsius("soil_temperature", "Soil temperature", 1, 32768, 10)
];
var conductivity = {name: "electrical_conductivity", title: "Electrical conductivity", unit: "µS⋅cm⁻¹", of: function (x) { return x[2]; }};

var sensors = {
  ctd10: water(1),
  ctd10b: water(2),
  itst: [{words: 2, values: [celsius("temperature_target", "Temperature target", 0, 1000, 10), celsius("temperature_head", "Temperature head", 1, 1000, 10)]}],
  trs11: [{words: 2, values: soil}],
  trs12: [{words: 3, values: soil.concat([conductivity])}],
  trs21: [{words: 2, values: [
    {name: "water_potential", title: "Water potential", unit: "kPa", of: function (x) { return -x[0] / 10; }},
    celsius("soil_temperature", "Soil temperature", 1, 32768, 10)
  ]}],
  iam: [battery,
    {words: 2, values: [
      {name: "air_temperature", title: "Air temperature", unit: "°C", of: function (x) { return 175 * x[0] / 65535 - 45; }},
      {name: "air_humidity", title: "Air humidity", unit: "%", of: function (x) { return 100 * x[1] / 65535; }}
    ]},
    {words: 1, values: [{name: "barometric_pressure", title: "Barometric pressure", unit: "Pa", of: function (x) { return x[0] * 2; }}]},
    {words: 2, values: [
      {name: "ambient_light_visible_infrared", title: "Ambient light (visible + infrared)", of: function (x) { return x[0]; }},
      {name: "ambient_light_infrared", title: "Ambient light (infrared)", of: function (x) { return x[1]; }},
      {name: "illuminance", title: "Illuminance", unit: "lx", of: function (x) {
        return Math.max(x[0] - 1.64 * x[1], 0.59 * x[0] - 0.86 * x[1], 0) * 1.5504;
      }}
    ]},
    {words: 3, values: [
      {name: "co2_concentration", title: "CO2 concentration", unit: "ppm", of: function (x) { return x[0] - 32768; }},
      {name: "co2_sensor_status", title: "CO2 sensor status", of: function (x) { return x[1]; }},
      {name: "raw_ir_reading", title: "Raw IR reading", of: function (x) { return x[2]; }}
    ]},
    {words: 1, values: [{name: "activity_counter", title: "Activity counter", of: function (x) { return x[0]; }}]},
    {words: 1, values: [{name: "total_voc", title: "Total VOC", unit: "ppb", of: function (x) { return x[0]; }}]}
  ],
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

function decodeUplink(input) {
  var b = input.bytes, sensor = sensors[input.variables.sensor];
  if (!sensor) return {errors: ["unknown sensor " + input.variables.sensor]};
  if (b[0] !== 2) return {errors: ["protocol " + b[0] + " is not 2"]};
  var word = function (i) { return b[i] * 256 + b[i + 1]; };
  var data = {protocol_version: b[0], device_id: word(1)}, flags = word(3), at = 5;
  var groups = sensor[0] === battery ? sensor : sensor.concat([battery]);
  groups.forEach(function (group, i) {
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
