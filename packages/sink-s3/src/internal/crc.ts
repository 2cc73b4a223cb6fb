/** CRC-32 as S3 spells it: four bytes, the highest first, in base64. */
export const toBase64 = (crc: number): string => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc)
  return bytes.toString("base64")
}

export const fromBase64 = (text: string | undefined): number | undefined => {
  const bytes = Buffer.from(text ?? "", "base64")
  return bytes.length === 4 ? bytes.readUInt32BE() : undefined
}
