// A brand's page with the unmodified Segment SDK for browsers: the write key and where Rapport is are the only settings that are needed.
const wanted = new URLSearchParams(location.search)
const options = {}
if (wanted.has('batch')) {
  options.integrations = { 'Segment.io': { deliveryStrategy: { strategy: 'batching', config: { size: Number(wanted.get('batch')), timeout: 600000 } } } }
}
window.analytics = AnalyticsNext.AnalyticsBrowser.load({ writeKey: wanted.get('key'), cdnURL: wanted.get('home') }, options)
window.errors = []
analytics.on('error', (e) => window.errors.push(String(e.reason ?? e.code ?? e)))
analytics.ready(() => { document.title = 'ready' })
