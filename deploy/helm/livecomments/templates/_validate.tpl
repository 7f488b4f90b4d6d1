{{/* What cannot work, told before anything is installed; all of it at once. */}}
{{- define "lc.validate" -}}
{{- $values := .Values -}}
{{- $faults := list -}}
{{- $store := $values.store -}}
{{- $hosts := splitList "," (include "lc.roles" .) -}}
{{- if eq $store.kind "cassandra" -}}
{{- if not $store.cassandra.contactPoints -}}
{{- $faults = append $faults "store.cassandra.contactPoints: name servers of your Cassandra, or set store.kind=sqlite" -}}
{{- end -}}
{{- if ne (empty $store.cassandra.user) (empty $store.cassandra.passwordSecret.name) -}}
{{- $faults = append $faults "store.cassandra: user and passwordSecret belong together" -}}
{{- end -}}
{{- else if eq $store.kind "dynamodb" -}}
{{- if not $store.dynamodb.region -}}
{{- $faults = append $faults "store.dynamodb.region: name the region of your table" -}}
{{- end -}}
{{- if and $store.dynamodb.serviceAccount $store.dynamodb.credentialsSecret.name -}}
{{- $faults = append $faults "store.dynamodb: give serviceAccount or credentialsSecret" -}}
{{- end -}}
{{- else if and (has "writer" $hosts) (gt (int $values.writer.replicas) 1) -}}
{{- $faults = append $faults "store.kind=sqlite is a file on one volume: set writer.replicas=1, or another store.kind" -}}
{{- end -}}
{{- if eq $values.topology "dispatcher" -}}
{{- if eq (empty $values.zookeeper.servers) (not $values.zookeeper.builtIn.enabled) -}}
{{- $faults = append $faults "zookeeper: name your servers, or set zookeeper.builtIn.enabled=true for a trial" -}}
{{- end -}}
{{- end -}}
{{- if include "lc.withRedis" . -}}
{{- if eq (empty $values.redis.url) (empty $values.redis.urlSecret.name) -}}
{{- $faults = append $faults "redis: give url, or urlSecret" -}}
{{- end -}}
{{- end -}}
{{- $auth := $values.auth -}}
{{- if and (eq $auth.mode "open") (not $auth.allowAnonymous) -}}
{{- $faults = append $faults "auth.mode=open lets anybody post under any name: set auth.allowAnonymous=true as well, or auth.mode=jwt" -}}
{{- end -}}
{{- $keys := include "lc.withKeys" . -}}
{{- if and (eq $auth.mode "jwt") (not $keys) -}}
{{- $faults = append $faults "auth.mode=jwt needs auth.jwks.url or auth.jwks.secret.name" -}}
{{- end -}}
{{- if and $auth.jwks.url $auth.jwks.secret.name -}}
{{- $faults = append $faults "auth.jwks: give url or secret" -}}
{{- end -}}
{{- if and $keys (not (and $auth.issuer $auth.audience $auth.authorIdKeySecret.name)) -}}
{{- $faults = append $faults "auth.jwks needs auth.issuer, auth.audience and auth.authorIdKeySecret.name" -}}
{{- end -}}
{{- if and (eq $values.reading.auth "required") (not (and $keys $values.reading.ticketKeySecret.name)) -}}
{{- $faults = append $faults "reading.auth=required needs auth.jwks and reading.ticketKeySecret.name" -}}
{{- end -}}
{{- if and (eq $values.tls.mode "csi") (not $values.tls.csi.issuerName) -}}
{{- $faults = append $faults "tls.mode=csi needs tls.csi.issuerName" -}}
{{- end -}}
{{- if and (ne $values.tls.mode "development") (not $values.gateway.tlsSecret) -}}
{{- $faults = append $faults "gateway.tlsSecret: name the Secret (kubernetes.io/tls) with the certificate for browsers" -}}
{{- end -}}
{{- if and $values.node.autoscaling.enabled (gt (int $values.node.autoscaling.maxReplicas) (int $values.node.slots)) -}}
{{- $faults = append $faults "node.autoscaling.maxReplicas is above node.slots: the gateway would not look for the others" -}}
{{- end -}}
{{- $missing := include "lc.egressMissing" . -}}
{{- if and $values.networkPolicy.enabled $values.networkPolicy.egress.enabled $missing -}}
{{- $faults = append $faults (printf "networkPolicy.egress.rules has nothing for %s, which could not call what you run for them" $missing) -}}
{{- end -}}
{{- if $faults -}}
{{- fail (printf "\n  %s" (join "\n  " $faults)) -}}
{{- end -}}
{{- end -}}
