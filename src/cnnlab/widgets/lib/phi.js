// The normal distribution for GELU, to 1e-15: Taylor from the nearest point of a table.
const PHI_REACH = 9, PER_UNIT = 16; // beyond ±9 a double cannot tell Φ from 0 or 1; points lie 1/16 apart

/** Φ(z) by the series of Marsaglia (2004): 1/2 + φ(z) (z + z³/3 + z⁵/15 + ...). */
function phiSeries(z) {
  let sum = z, term = z;
  for (let k = 3; sum + term !== sum; k += 2) sum += (term *= (z * z) / k);
  return 0.5 + sum * phiSlope(z);
}

/** φ(z), its derivative. */
export const phiSlope = (z) => Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);

const PHI_VALUES = Float64Array.from({ length: 2 * PHI_REACH * PER_UNIT + 1 }, (_, i) => phiSeries(i / PER_UNIT - PHI_REACH));
const PHI_SLOPES = Float64Array.from(PHI_VALUES, (_, i) => phiSlope(i / PER_UNIT - PHI_REACH));

/** Φ(z), the share of N(0, 1) below z. */
export function phi(z) {
  if (!(z > -PHI_REACH)) return z === z ? 0 : z;
  if (z > PHI_REACH) return 1;
  const i = Math.round((z + PHI_REACH) * PER_UNIT), a = i / PER_UNIT - PHI_REACH, d = z - a;
  // derivatives of φ are φ times Hermite polynomials of a
  const a2 = a * a, h3 = a * (3 - a2), h4 = a2 * (a2 - 6) + 3, h5 = -a * (a2 * (a2 - 10) + 15);
  const h6 = a2 * (a2 * (a2 - 15) + 45) - 15;
  const series = 1 + d * (-a / 2 + d * ((a2 - 1) / 6 + d * (h3 / 24 + d * (h4 / 120 + d * (h5 / 720 + (d * h6) / 5040)))));
  return PHI_VALUES[i] + PHI_SLOPES[i] * d * series;
}
