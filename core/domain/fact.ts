/** What was found out about one image for one demand. Silence is a fact too: a certain refusal must win over a registry that is down. */
import type { Demand } from './demand.ts'
import type { ImageUse } from './image-use.ts'
import type { Proof } from './proof.ts'
import type { Refusal, Silence } from './refusal.ts'

export type Finding = Proof | Refusal | Silence

export type Fact = { readonly use: ImageUse; readonly demand: Demand; readonly found: Finding }
