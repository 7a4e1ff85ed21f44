// Sends events to Rapport through the unmodified Segment SDK for Node: host and write key are the only settings.
// Prints one JSON line: how many events the SDK saw delivered, and the errors it reported.
import { Analytics } from '@segment/analytics-node'

const [host, writeKey, userId, count] = process.argv.slice(2)
const analytics = new Analytics({ writeKey, host, flushAt: 20, flushInterval: 200, maxRetries: 3 })
let delivered = 0
const errors = []
analytics.on('http_response', () => { })
analytics.on('error', (e) => errors.push(String(e.reason ?? e.code ?? e)))
const sent = (err) => { if (!err) delivered++ ; else errors.push(String(err)) }

analytics.identify({ userId, traits: { household: '2', undeclared_trait: 'never kept' } }, sent)
for (let i = 0; i < Number(count); i++) {
  analytics.track({ userId, event: 'Order Completed', properties: { order_id: `sdk-${i}`, total: 3.5, coupon_secret: 'never kept', products: [{ product_id: '1082185', quantity: 1, price: 3.5 }] } }, sent)
}
analytics.track({ userId, event: 'Never Declared', properties: { secret: 'never kept' } }, sent)
analytics.page({ userId, name: 'Home', properties: { path: '/' } }, sent)
analytics.screen({ userId, name: 'Start' }, sent)
analytics.group({ userId, groupId: 'g1' }, sent)
await analytics.closeAndFlush({ timeout: 10000 })
console.log(JSON.stringify({ delivered, errors }))
