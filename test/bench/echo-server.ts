/** The yardstick: a bare Fastify TLS server that parses the review and answers one, and does nothing else. */
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'

const [certFile = '', keyFile = ''] = process.argv.slice(2)

const app = Fastify({
  https: { cert: readFileSync(certFile), key: readFileSync(keyFile), minVersion: 'TLSv1.2' },
  bodyLimit: 7 * 1024 * 1024,
})

app.post('/validate', async request => {
  const { request: asked } = request.body as { request: { uid: string } }
  return { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', response: { uid: asked.uid, allowed: true } }
})

await app.listen({ host: '127.0.0.1', port: 0 })
process.stdout.write(`${JSON.stringify({ msg: 'listening', port: (app.server.address() as AddressInfo).port })}\n`)
process.stdin.resume().once('close', () => process.exit(0))
process.once('SIGTERM', () => process.exit(0))
