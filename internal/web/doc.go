// Package web is the console: pages made on the server with html/template, their style sheet and two small scripts.
//
// It owns the console's own route table, the sign-in page and what a page says. A handler asks one or two stages and renders; it decides
// nothing about patches, holds no SQL and keeps no state between requests. Every page works without scripts; htmx only makes a
// preview or a running deployment change in place. Every string from a machine or a feed is hostile text and is never more than text.
package web
