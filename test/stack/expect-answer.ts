/** Asks a program of ours whether it is there. */

/** Fetches the URL and throws unless the answer is a success. */
export async function expectAnswer(url: string, signal: AbortSignal): Promise<Response> {
  const response = await fetch(url, { signal })
  if (!response.ok) throw new Error(`expected a success of ${url}, found status ${response.status}`)
  return response
}
