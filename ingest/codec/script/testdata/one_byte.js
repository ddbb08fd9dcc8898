// The example of a decoder: one byte, one temperature.
function decodeUplink({bytes}) {
  if (bytes.length !== 1) return {errors: [`frame of ${bytes.length} bytes, want 1`]};
  return {data: {temp: bytes[0]}};
}
