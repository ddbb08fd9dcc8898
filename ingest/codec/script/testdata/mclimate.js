// MClimate HT Sensor and Vicki, keep-alive messages; which one it is says the
// variable "sensor".
const round = (v, digits) => Number(v.toFixed(digits));
const humidity = (b) => round(b * 100 / 256, 2);

const sensors = {
  "ht-sensor": {size: 7, read: (b) => {
    const connected = (b[5] & 4) === 0;
    return {
      sensorTemperature: ((b[1] << 8 | b[2]) - 400) / 10, relativeHumidity: humidity(b[3]),
      batteryVoltage: round((b[4] * 8 + 1600) / 1000, 1), thermistorProperlyConnected: connected,
      extThermistorTemperature: connected ? ((b[5] & 3) << 8 | b[6]) / 10 : 0,
    };
  }},
  "vicki": {size: 9, read: (b) => {
    const range = (b[6] & 0x0f) << 8 | b[5], position = b[6] >> 4 << 8 | b[4];
    return {
      reason: b[0], targetTemperature: b[1], sensorTemperature: round(b[2] * 165 / 256 - 40, 2), relativeHumidity: humidity(b[3]),
      motorRange: range, motorPosition: position, batteryVoltage: round(2 + (b[7] >> 4) / 10, 1),
      openWindow: (b[7] & 8) !== 0, highMotorConsumption: (b[7] & 4) !== 0, lowMotorConsumption: (b[7] & 2) !== 0, brokenSensor: (b[7] & 1) !== 0,
      childLock: (b[8] & 128) !== 0, calibrationFailed: (b[8] & 64) !== 0, attachedBackplate: (b[8] & 32) !== 0,
      perceiveAsOnline: (b[8] & 16) !== 0, antiFreezeProtection: (b[8] & 8) !== 0,
      valveOpenness: range === 0 ? 0 : Math.round((1 - position / range) * 100), targetTemperatureFloat: b[1],
    };
  }},
};

function decodeUplink({bytes, variables}) {
  const sensor = sensors[variables.sensor];
  if (!sensor) return {errors: [`unknown sensor ${variables.sensor}`]};
  if (bytes[0] !== 1) return {errors: [`message ${bytes[0]} is no keep-alive`]};
  if (bytes.length < sensor.size) return {errors: [`frame of ${bytes.length} bytes, want ${sensor.size}`]};
  return {data: sensor.read(bytes)};
}
