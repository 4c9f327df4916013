{{- define "postrider.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "postrider.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "postrider.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "postrider.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "postrider.selector" -}}
app.kubernetes.io/name: {{ include "postrider.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "postrider.labels" -}}
{{ include "postrider.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "postrider.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "postrider.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "postrider.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- /* The settings file: what the chart decides, under what the user gave. */ -}}
{{- define "postrider.settings" -}}
{{- $http := dict "listen" ":8080" "metrics_listen" (printf ":%d" (int .Values.metrics.port)) -}}
{{- if .Values.tls.existingSecret -}}
{{- $_ := set $http "tls_cert" "/etc/postrider/tls/tls.crt" -}}
{{- $_ := set $http "tls_key" "/etc/postrider/tls/tls.key" -}}
{{- if .Values.tls.clientCASecret -}}
{{- $_ := set $http "tls_client_ca" "/etc/postrider/client-ca/ca.crt" -}}
{{- end -}}
{{- else -}}
{{- $_ := set $http "insecure" true -}}
{{- end -}}
{{- $nats := dict -}}
{{- if eq .Values.mode "external" -}}
{{- $_ := set $nats "url" (required "nats.url is needed for mode external" .Values.nats.url) -}}
{{- if .Values.nats.credentialsSecret -}}
{{- $_ := set $nats "credentials" "/etc/postrider/nats-creds/creds" -}}
{{- end -}}
{{- if .Values.nats.tlsSecret -}}
{{- $_ := set $nats "ca" "/etc/postrider/nats-tls/ca.crt" -}}
{{- end -}}
{{- else if .Values.nats.listen -}}
{{- $_ := set $nats "listen" ":4222" -}}
{{- $_ := set $nats "user" .Values.nats.user -}}
{{- else -}}
{{- $_ := set $nats "listen" "127.0.0.1:4222" -}}
{{- end -}}
{{- $own := dict "data" "/data" "http" $http "nats" $nats "shutdown" (dict "timeout" (printf "%ds" (int .Values.shutdownSeconds))) -}}
{{- mergeOverwrite $own (deepCopy .Values.settings) | toYaml -}}
{{- end -}}

{{- define "postrider.pod" -}}
metadata:
  labels:
    {{- include "postrider.labels" . | nindent 4 }}
    {{- with .Values.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  annotations:
    # Another settings file is another pod; certificates need none.
    checksum/settings: {{ include "postrider.settings" . | sha256sum }}
    {{- with .Values.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  serviceAccountName: {{ include "postrider.serviceAccount" . }}
  automountServiceAccountToken: false
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets: {{ toYaml . | nindent 4 }}
  {{- end }}
  # The drain, shutdown.timeout, and time to close what is open.
  terminationGracePeriodSeconds: {{ add (int .Values.drainSeconds) (int .Values.shutdownSeconds) 15 }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  topologySpreadConstraints:
    {{- if .Values.topologySpreadConstraints }}
    {{- toYaml .Values.topologySpreadConstraints | nindent 4 }}
    {{- else }}
    {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- include "postrider.selector" $ | nindent 10 }}
    {{- end }}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity: {{ toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: postrider
      image: {{ include "postrider.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [serve, --config, /etc/postrider/settings/postrider.yaml]
      env:
        - {name: POSTRIDER_AUTH_SECRET_FILE, value: /etc/postrider/secrets/auth_secret}
        - {name: POSTRIDER_MASTER_KEY_FILE, value: /etc/postrider/secrets/master_key}
        {{- if and (eq .Values.mode "embedded") .Values.nats.listen }}
        - {name: POSTRIDER_NATS_PASSWORD_FILE, value: /etc/postrider/secrets/nats_password}
        {{- end }}
        {{- range $setting, $key := .Values.secretSettings }}
        - name: POSTRIDER_{{ $setting | upper | replace "." "_" }}_FILE
          value: /etc/postrider/secrets/{{ $key }}
        {{- end }}
        {{- with .Values.extraEnv }}{{ toYaml . | nindent 8 }}{{ end }}
      ports:
        - {name: http, containerPort: 8080}
        - {name: metrics, containerPort: {{ .Values.metrics.port }}}
        {{- if and (eq .Values.mode "embedded") .Values.nats.listen }}
        - {name: nats, containerPort: 4222}
        {{- end }}
      {{- $scheme := ternary "HTTPS" "HTTP" (ne .Values.tls.existingSecret "") }}
      # A start reads what waits; it may take minutes after a long downtime.
      startupProbe:
        httpGet: {path: /healthz, port: http, scheme: {{ $scheme }}}
        periodSeconds: 2
        failureThreshold: 300
      livenessProbe:
        httpGet: {path: /healthz, port: http, scheme: {{ $scheme }}}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: {path: /readyz, port: http, scheme: {{ $scheme }}}
        periodSeconds: 5
        timeoutSeconds: 5
      lifecycle:
        preStop:
          exec:
            # No new leases from here on, while the service forgets this pod.
            command: [/usr/local/bin/postrider, --config, /etc/postrider/settings/postrider.yaml, drain, --wait, {{ .Values.drainSeconds }}s]
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      resources: {{ toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - {name: data, mountPath: /data}
        - {name: settings, mountPath: /etc/postrider/settings, readOnly: true}
        - {name: secrets, mountPath: /etc/postrider/secrets, readOnly: true}
        {{- if .Values.tls.existingSecret }}
        - {name: tls, mountPath: /etc/postrider/tls, readOnly: true}
        {{- end }}
        {{- if .Values.tls.clientCASecret }}
        - {name: client-ca, mountPath: /etc/postrider/client-ca, readOnly: true}
        {{- end }}
        {{- if .Values.nats.credentialsSecret }}
        - {name: nats-creds, mountPath: /etc/postrider/nats-creds, readOnly: true}
        {{- end }}
        {{- if .Values.nats.tlsSecret }}
        - {name: nats-tls, mountPath: /etc/postrider/nats-tls, readOnly: true}
        {{- end }}
        {{- with .Values.extraVolumeMounts }}{{ toYaml . | nindent 8 }}{{ end }}
  volumes:
    {{- if eq .Values.mode "external" }}
    - name: data
      emptyDir: {sizeLimit: 1Gi}
    {{- end }}
    - name: settings
      configMap: {name: {{ include "postrider.fullname" . }}}
    - name: secrets
      secret: {secretName: {{ required "existingSecret is needed: a Secret with auth_secret and master_key" .Values.existingSecret }}, defaultMode: 0440}
    {{- if .Values.tls.existingSecret }}
    - name: tls
      secret: {secretName: {{ .Values.tls.existingSecret }}, defaultMode: 0440}
    {{- end }}
    {{- if .Values.tls.clientCASecret }}
    - name: client-ca
      secret: {secretName: {{ .Values.tls.clientCASecret }}, defaultMode: 0440}
    {{- end }}
    {{- if .Values.nats.credentialsSecret }}
    - name: nats-creds
      secret: {secretName: {{ .Values.nats.credentialsSecret }}, defaultMode: 0440}
    {{- end }}
    {{- if .Values.nats.tlsSecret }}
    - name: nats-tls
      secret: {secretName: {{ .Values.nats.tlsSecret }}, defaultMode: 0440}
    {{- end }}
    {{- with .Values.extraVolumes }}{{ toYaml . | nindent 4 }}{{ end }}
{{- end -}}
