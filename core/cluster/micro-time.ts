/** A time as Kubernetes' MicroTime: exactly six digits of a second, or it is refused. */
export function microTime(date: Date): string {
  return date.toISOString().replace('Z', '000Z')
}
