{{/*
The variables of a process of ours (docs/operations.md), as a map. (dict "root" "role")
What comes from the pod or from a Secret is in lc.environment.
*/}}
{{- define "lc.variables" -}}
{{- $values := .root.Values -}}
{{- $own := get $values .role -}}
{{- $edge := ne .role "dispatcher" -}}
{{- $writes := has .role (list "writer" "single") -}}
{{- $vars := dict
      "BIND_HOST" $values.bindHost
      "OPS_PORT" "8003"
      "OPS_PEERS" (include "lc.opsPeers" .root)
      "LOG_FORMAT" "json"
      "LOG_LEVEL" $values.logLevel -}}
{{- if ne .role "single" -}}
{{- $_ := set $vars "INTERNAL_PORT" "8002" -}}
{{- $_ := set $vars "TLS_DIR" (include "lc.tlsDir" .) -}}
{{- if ne .role "dispatcher" -}}{{- $_ := set $vars "TOPOLOGY" $values.topology -}}{{- end -}}
{{- if eq $values.topology "dispatcher" -}}
{{- $_ := set $vars "ZOOKEEPER" (include "lc.zookeepers" .root) -}}
{{- $_ := set $vars "ZOOKEEPER_SESSION_S" (toString $values.zookeeper.sessionSeconds) -}}
{{- else -}}
{{- $_ := set $vars "CHANNELS" (toString (int $values.channels)) -}}
{{- if $values.redis.url -}}{{- $_ := set $vars "REDIS_URL" $values.redis.url -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (eq .role "node") (include "lc.withRedis" .root) -}}
{{- $_ := set $vars "WRITER_ADDRESSES" (include "lc.writers" .root) -}}
{{- end -}}
{{- if $edge -}}
{{- $_ := set $vars "PUBLIC_PORT" "8001" -}}
{{- $_ := set $vars "TRUSTED_PROXIES" (join "," $values.trustedProxies) -}}
{{- $_ := set $vars "CORS_ORIGINS" (join "," $values.corsOrigins) -}}
{{- $_ := set $vars "READ_AUTH" $values.reading.auth -}}
{{- $_ := set $vars "DRAIN_NOTICE_S" (toString $own.drainNoticeSeconds) -}}
{{- if $values.reading.ticketKeySecret.name -}}
{{- $_ := set $vars "TICKET_KEY_FILE" "/secrets/tickets.key" -}}
{{- end -}}
{{- end -}}
{{- if has .role (list "node" "single") -}}
{{- $_ := set $vars "DRAIN_WINDOW_S" (toString $own.drainWindowSeconds) -}}
{{- end -}}
{{- if eq .role "single" -}}{{- $_ := set $vars "BEHIND_GATEWAY" "on" -}}{{- end -}}
{{- if $writes -}}
{{- if $values.embedOrigins -}}
{{- $_ := set $vars "EMBED_ORIGINS" (join "," $values.embedOrigins) -}}
{{- end -}}
{{- $vars = merge $vars (include "lc.storeVariables" .root | fromYaml) (include "lc.authVariables" .root | fromYaml) -}}
{{- end -}}
{{- merge (dict) $own.env $values.env $vars | toYaml -}}
{{- end -}}

{{/* Whom the map of a process asks: a name for each role, which stands for all of its pods. */}}
{{- define "lc.opsPeers" -}}
{{- $root := . -}}
{{- $peers := list -}}
{{- range $role := splitList "," (include "lc.roles" .) -}}
{{- $peers = append $peers (printf "%s:8003" (include "lc.domain" (dict "root" $root "role" $role))) -}}
{{- end -}}
{{- join "," $peers -}}
{{- end -}}

{{- define "lc.storeVariables" -}}
{{- $store := .Values.store -}}
STORE: {{ $store.kind }}
REMOVED_KEPT_DAYS: {{ toString $store.removedKeptDays | quote }}
{{- if eq $store.kind "sqlite" }}
SQLITE_PATH: /data/comments.sqlite3
{{- else if eq $store.kind "dynamodb" }}
{{- with $store.dynamodb }}
DYNAMODB_TABLE: {{ .table | quote }}
RETENTION_S: {{ toString (int64 .retentionSeconds) | quote }}
{{- with .region }}
AWS_REGION: {{ . | quote }}
{{- end }}
{{- with .endpoint }}
DYNAMODB_ENDPOINT: {{ . | quote }}
{{- end }}
{{- if .credentialsSecret.name }}
AWS_SHARED_CREDENTIALS_FILE: /secrets/aws-credentials
{{- end }}
{{- end }}
{{- else }}
{{- with $store.cassandra }}
CASSANDRA: {{ join "," .contactPoints | quote }}
CASSANDRA_KEYSPACE: {{ .keyspace }}
CASSANDRA_REPLICATION: {{ toString (int .replication) | quote }}
CASSANDRA_CONSISTENCY: {{ .consistency }}
RETENTION_S: {{ toString (int64 .retentionSeconds) | quote }}
{{- with .datacenter }}
CASSANDRA_DC: {{ . | quote }}
{{- end }}
{{- with .user }}
CASSANDRA_USER: {{ . | quote }}
CASSANDRA_PASSWORD_FILE: /secrets/cassandra-password
{{- end }}
{{- if .caSecret.name }}
CASSANDRA_CA_FILE: /secrets/cassandra-ca.pem
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "lc.authVariables" -}}
{{- $auth := .Values.auth -}}
AUTH: {{ $auth.mode }}
GUESTS: {{ ternary "yes" "no" $auth.guests | quote }}
ALLOW_ANONYMOUS: {{ ternary "yes" "no" $auth.allowAnonymous | quote }}
TICKET_HOURS: {{ toString .Values.reading.ticketHours | quote }}
POST_RATE_PER_ADDRESS: {{ toString .Values.postRatePerAddress | quote }}
GET_RATE_PER_ADDRESS: {{ toString .Values.getRatePerAddress | quote }}
{{- if include "lc.withKeys" . }}
AUTH_ISSUER: {{ $auth.issuer | quote }}
AUTH_AUDIENCE: {{ $auth.audience | quote }}
AUTH_JWKS: {{ ternary "/secrets/jwks.json" $auth.jwks.url (not (empty $auth.jwks.secret.name)) | quote }}
AUTHOR_ID_KEY_FILE: /secrets/author-ids.key
{{- if $auth.jwks.caSecret.name }}
AUTH_JWKS_CA_FILE: /secrets/jwks-ca.pem
{{- end }}
{{- end }}
{{- end -}}

{{/* "yes" where tokens are checked: with auth.mode open too, if there are keys. */}}
{{- define "lc.withKeys" -}}
{{- if or .Values.auth.jwks.url .Values.auth.jwks.secret.name -}}yes{{- end -}}
{{- end -}}

{{- define "lc.zookeepers" -}}
{{- $root := . -}}
{{- if .Values.zookeeper.builtIn.enabled -}}
{{- $servers := list -}}
{{- range $n := untilStep 1 (int (add1 .Values.zookeeper.builtIn.replicas)) 1 -}}
{{- $servers = append $servers (printf "%s-zookeeper-%d.%s:2181" (include "lc.fullname" $root) $n (include "lc.domain" (dict "root" $root "role" "zookeeper"))) -}}
{{- end -}}
{{- join "," $servers -}}
{{- else -}}
{{- join "," .Values.zookeeper.servers -}}
{{- end -}}
{{- end -}}

{{/* Without ZooKeeper nodes are told where writers are. */}}
{{- define "lc.writers" -}}
{{- $root := . -}}
{{- $writers := list -}}
{{- range $n := untilStep 1 (int (add1 .Values.writer.replicas)) 1 -}}
{{- $id := printf "%s-writer-%d" (include "lc.fullname" $root) $n -}}
{{- $writers = append $writers (printf "%s=%s.%s:8002" $id $id (include "lc.domain" (dict "root" $root "role" "writer"))) -}}
{{- end -}}
{{- join "," $writers -}}
{{- end -}}

{{/* The variables as a container has them. (dict "root" "role") */}}
{{- define "lc.environment" -}}
- name: POD_NAME  # stands before what refers to it
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: SERVICE_ID
  value: $(POD_NAME)
{{- if ne .role "single" }}
- name: ADVERTISE_HOST
  valueFrom: {fieldRef: {fieldPath: status.podIP}}
{{- end }}
{{- if and (include "lc.withRedis" .root) .root.Values.redis.urlSecret.name }}
- name: REDIS_URL
  valueFrom:
    secretKeyRef:
      name: {{ .root.Values.redis.urlSecret.name }}
      key: {{ .root.Values.redis.urlSecret.key }}
{{- end }}
{{- range $name, $value := include "lc.variables" . | fromYaml }}
- name: {{ $name }}
  value: {{ toString $value | quote }}
{{- end }}
{{- end -}}
